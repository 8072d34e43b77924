"""Input tensors as items: texts, pairs of texts, token ids."""

from __future__ import annotations

from collections.abc import Sequence, Sized

import numpy as np

from goldcrest.errors import EmptyInput, InvalidRequest, TooManyItems
from goldcrest.oip.tensor import Tensor
from goldcrest.values import Item

_PAIRS = (
    ("text", "text_pair"),
    ("query", "text"),
    ("query", "document"),
    ("query", "passage"),
    ("question", "context"),
    ("premise", "hypothesis"),
)
"""Names of two inputs that say which of them comes first; others come as they are sent."""
_LABELS = ("labels", "candidate_labels")
_IDS, _MASK, _TYPES = "input_ids", "attention_mask", "token_type_ids"


def split(inputs: Sequence[Tensor]) -> tuple[tuple[Tensor, ...], tuple[str, ...]]:
    """Tell candidate labels that are sent as an input from what they are candidates for.

    Raises:
        InvalidRequest: the labels are no texts.
    """
    labels = [text for tensor in inputs if tensor.name in _LABELS for text in tensor.texts]
    return tuple(tensor for tensor in inputs if tensor.name not in _LABELS), tuple(labels)


def items(inputs: Sequence[Tensor], *, limit: int) -> Sequence[Item]:
    """The items that the inputs hold, in the order of their rows.

    One BYTES input of any name holds texts, two hold pairs; of these, one with a single row goes
    with every row of the other. ``input_ids`` holds token ids, a row per item.

    Raises:
        InvalidRequest: the inputs are none of this, or do not fit together.
        EmptyInput: there are no rows.
        TooManyItems: there are more than ``limit``.
    """
    named = {tensor.name: tensor for tensor in inputs}
    if len(named) < len(inputs):
        raise InvalidRequest("two inputs have the same name")
    if _IDS in named:
        found = _of_ids(named, limit=limit)
    elif len(inputs) in (1, 2):
        found = _of_texts(_ordered(inputs, named))
    else:
        raise InvalidRequest(
            f"the request has {len(inputs)} inputs ({', '.join(named) or 'none'}); send one of "
            "BYTES for texts, two for pairs, or input_ids"
        )
    if not found:
        raise EmptyInput("the inputs have no rows; send at least one")
    _check_number(found, limit)
    return found


def _check_number(rows: Sized, limit: int) -> None:
    if len(rows) > limit:
        raise TooManyItems(len(rows), limit)


def _ordered(inputs: Sequence[Tensor], named: dict[str, Tensor]) -> list[Tensor]:
    for names in _PAIRS:
        if set(names) == named.keys():
            return [named[name] for name in names]
    return list(inputs)


def _of_texts(inputs: Sequence[Tensor]) -> Sequence[Item]:
    columns = [_column(tensor) for tensor in inputs]
    if len(columns) == 1:
        return columns[0]
    firsts, seconds = columns
    if len(firsts) == 1:
        firsts *= len(seconds)
    elif len(seconds) == 1:
        seconds *= len(firsts)
    if len(firsts) != len(seconds):
        names = " and ".join(repr(tensor.name) for tensor in inputs)
        raise InvalidRequest(
            f"{names} have {len(firsts)} and {len(seconds)} rows; they must have as many, or one 1"
        )
    return list(zip(firsts, seconds, strict=True))


def _column(tensor: Tensor) -> tuple[str, ...]:
    if len(tensor.shape) > 2 or tensor.shape[1:] not in ((), (1,)):
        raise InvalidRequest(
            f"{tensor.name!r} has the shape {list(tensor.shape)}; it must be [n] or [n, 1]"
        )
    return tensor.texts


def _of_ids(named: dict[str, Tensor], *, limit: int) -> Sequence[Item]:
    if unknown := named.keys() - {_IDS, _MASK, _TYPES}:
        raise InvalidRequest(f"beside {_IDS} there is an input {min(unknown)!r}, which is not read")
    ids = np.atleast_2d(named[_IDS].numbers)
    if ids.ndim != 2 or ids.dtype.kind not in "iu":
        raise InvalidRequest(f"{_IDS!r} must be whole numbers of shape [n, n_tokens]")
    _check_number(ids, limit)  # before they are told apart: rows of nothing cost the caller nothing
    if _TYPES in named and named[_TYPES].numbers.any():
        raise InvalidRequest(f"{_TYPES!r} must be 0 throughout; send a pair as two texts")
    if _MASK not in named:
        return [tuple(row) for row in ids.tolist()]
    mask = np.atleast_2d(named[_MASK].numbers)
    if mask.shape != ids.shape:
        raise InvalidRequest(
            f"{_MASK!r} has the shape {list(mask.shape)}; it must be that of {_IDS!r}, "
            f"{list(ids.shape)}"
        )
    return [tuple(row[kept].tolist()) for row, kept in zip(ids, mask != 0, strict=True)]
