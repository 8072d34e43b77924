"""The tensors of a checkpoint under our names, whatever prefix its own names carry."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from goldcrest.checkpoint import Checkpoint, Tensors
from goldcrest.errors import TensorProblem
from goldcrest.models.encoder import Spec
from goldcrest.models.family import Family
from goldcrest.values import Floats

_ANCHOR = "embeddings.word_embeddings.weight"
_TABLE = "embed.tokens.weight"
_DECODE = "fill.decoder"
_DECODER = f"{_DECODE}.weight"
_BUFFERS = ("position_ids", "token_type_ids")  # numbers that old files store beside the weights
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Weights(Mapping[str, Floats]):
    """Our name -> array, read from the file when asked for.

    A single token type adds the same row to every token, so it is folded into the positions; the
    rows of the position table that no token uses are cut off. Where the weight that decodes states
    is stored in two parts, they are joined.
    """

    tensors: Tensors
    names: Mapping[str, str]
    spec: Spec

    def __getitem__(self, name: str) -> Floats:
        array: Floats = self.tensors[self.names[name]]
        if name == _DECODER and f"{_DECODE}.rest" in self.names:
            return np.concatenate([array, self[f"{_DECODE}.rest"].T], axis=1)
        if name != "embed.positions.weight":
            return array
        array = array[self.spec.position_offset :]
        if self.spec.n_token_types != 1:
            return array
        return array + self["embed.types.weight"]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def find_weights(checkpoint: Checkpoint, family: Family, spec: Spec) -> Weights:
    """Find every tensor of the encoder, and those of a classifier that are there.

    Raises:
        TensorProblem: names every tensor that is missing, misshapen or no float.
    """
    tensors = checkpoint.tensors
    prefix = _prefix(checkpoint)
    there = {_modern(name): name for name in tensors}
    names = {ours: prefix + theirs for ours, theirs in family.encoder_names(spec).items()}
    _check(checkpoint, names, there=there, shapes=spec.shapes())
    found = {ours: there[theirs] for ours, theirs in names.items()}
    found |= _find_heads(there, family, prefix)
    if _is_tied(checkpoint, found):
        found[_DECODER] = found[_TABLE]
    unused = sorted(set(tensors) - set(found.values()))
    unused = [name for name in unused if not name.endswith(_BUFFERS)]
    if unused:
        _log.info("%s: %d tensors are not used: %s", checkpoint.source, len(unused), unused)
    return Weights(tensors, found, spec)


def starts_with(tensors: Tensors, prefix: str) -> bool:
    """Whether an encoder's tensors carry this prefix, perhaps behind a wrapper's."""
    anchor = prefix + _ANCHOR
    return any(name == anchor or name.endswith("." + anchor) for name in tensors)


def _prefix(checkpoint: Checkpoint) -> str:
    """What stands before the encoder's names in this file."""
    found = sorted(
        name.removesuffix(_ANCHOR)
        for name in checkpoint.tensors
        if name == _ANCHOR or name.endswith("." + _ANCHOR)
    )
    if not found:
        raise TensorProblem(f"{checkpoint.source} lacks the tensor {_ANCHOR}", (_ANCHOR,))
    if len(found) > 1:
        raise TensorProblem(
            f"{checkpoint.source} holds {len(found)} encoders, under {', '.join(map(repr, found))}",
            tuple(prefix + _ANCHOR for prefix in found),
        )
    return found[0]


def _modern(name: str) -> str:
    """The name with what early files called gamma and beta."""
    stem, dot, last = name.rpartition(".")
    return stem + dot + {"gamma": "weight", "beta": "bias"}.get(last, last)


def _find_heads(there: Mapping[str, str], family: Family, prefix: str) -> dict[str, str]:
    """A head's tensors stand beside the encoder's, or inside it as BERT's pooler does."""
    starts = (prefix, prefix.removesuffix(family.prefix))
    found = {}
    for ours, names in family.head_names().items():
        candidates = (start + name for name in names for start in starts)
        stored = next((name for name in candidates if name in there), None)
        if stored is not None:
            found[ours] = there[stored]
    return found


def _is_tied(checkpoint: Checkpoint, found: Mapping[str, str]) -> bool:
    """Whether the table of the tokens' embeddings stands in for the weight that decodes states."""
    if _DECODER in found or f"{_DECODE}.bias" not in found:
        return False
    return checkpoint.config.get("tie_word_embeddings", True) is not False


def _check(
    checkpoint: Checkpoint,
    names: Mapping[str, str],
    *,
    there: Mapping[str, str],
    shapes: Mapping[str, tuple[int, ...]],
) -> None:
    missing = [theirs for theirs in names.values() if theirs not in there]
    if missing:
        raise TensorProblem(
            f"{checkpoint.source} lacks {len(missing)} of {len(names)} tensors: "
            f"{', '.join(missing[:8])}{' ...' if len(missing) > 8 else ''}",
            tuple(missing),
        )
    for ours, theirs in names.items():
        check_tensor(checkpoint, there[theirs], shape=shapes[ours])


def check_tensor(checkpoint: Checkpoint, name: str, *, shape: tuple[int, ...]) -> None:
    """See that a tensor holds floats and has the shape that the config asks for.

    Raises:
        TensorProblem: names the tensor, its shape and the one expected.
    """
    if not checkpoint.tensors.is_float(name):
        raise TensorProblem(f"{checkpoint.source}: the tensor {name} holds no floats", (name,))
    real = checkpoint.tensors.shape(name)
    if real != shape:
        raise TensorProblem(
            f"{checkpoint.source}: the tensor {name} has the shape {real}, but config.json asks "
            f"for {shape}",
            (name,),
        )
