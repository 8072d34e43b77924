"""What happens to long texts, out of the several words that clients have for it."""

from __future__ import annotations

from goldcrest.errors import InvalidRequest
from goldcrest.names import Overflow
from goldcrest.values import EncodeOptions
from goldcrest.web.hf.words import Limited, SpanParameters, TokensParameters, Wording

_WINDOW, _STRIDE = 384, 128  # what transformers reads of a context at once, and twice


def encoding(parameters: Limited, *, stride: int | None = None) -> EncodeOptions:
    """Long texts are cut, unless the parameters say otherwise.

    Raises:
        InvalidRequest: the parameters contradict each other, or ask for what is not done.
    """
    overflow = _overflow(parameters) or ("truncate" if stride is None else "window")
    if stride is not None and overflow != "window":
        raise InvalidRequest("stride is for texts that are read in windows; do not cut or refuse")
    return EncodeOptions(parameters.max_length, overflow, stride)


def encoding_of_tokens(parameters: TokensParameters) -> EncodeOptions:
    """A stride asks for windows.

    Raises:
        InvalidRequest: as `encoding`.
    """
    return encoding(parameters, stride=parameters.stride)


def encoding_of_context(parameters: SpanParameters, max_length: int | None) -> EncodeOptions:
    """Contexts are read in windows, as long and as far apart as those of transformers.

    Args:
        parameters: of the question.
        max_length: tokens that the model can take; None where it is not known.

    Raises:
        InvalidRequest: as `encoding`.
    """
    length = min(parameters.max_seq_len, max_length or _WINDOW)
    overflow = _overflow(parameters) or "window"
    if overflow != "window":
        if parameters.doc_stride is not None:
            raise InvalidRequest("doc_stride is for contexts that are read in windows; drop it")
        return EncodeOptions(length, overflow)
    stride = min(length // 2, _STRIDE) if parameters.doc_stride is None else parameters.doc_stride
    return EncodeOptions(length, overflow, stride)


def _overflow(wording: Wording) -> Overflow | None:
    """What is said of long texts; None if nothing is."""
    if wording.truncation_direction.lower() == "left":
        raise InvalidRequest("truncation_direction 'left' is not supported; only 'right' is")
    said: set[Overflow] = {wording.overflow} if wording.overflow else set()
    for cuts in (wording.truncate, wording.truncation):
        if cuts is not None:
            said.add("truncate" if cuts else "reject")
    if len(said) > 1:
        raise InvalidRequest(
            f"long texts are to be treated in {len(said)} ways at once; "
            "send one of overflow, truncate and truncation"
        )
    return said.pop() if said else None
