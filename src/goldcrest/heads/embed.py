"""Embeddings: vectors, their cosines, and the states of single tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from goldcrest.errors import InvalidRequest
from goldcrest.heads.numbers import over_windows, unit
from goldcrest.heads.plain import check_named
from goldcrest.tasks import Embed, Numbers, Similarity, States
from goldcrest.values import Answer, Floats, Item


@dataclass(frozen=True, slots=True)
class Prompts:
    """Texts that a model was trained to see before its own: "query: " and the like.

    Attributes:
        texts: by name.
        default: the name of the one that is used where none is asked for; empty: none.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    default: str = ""

    def before(self, items: Sequence[Item], name: str | None) -> Sequence[Item]:
        """Put a prompt before each text; token ids are taken as they are.

        Raises:
            InvalidRequest: no prompt has that name.
        """
        chosen = self.default if name is None else name
        if not chosen:
            return items
        if chosen not in self.texts:
            known = ", ".join(map(repr, self.texts)) or "none"
            raise InvalidRequest(f"there is no prompt {chosen!r}; this model knows: {known}")
        return [self.texts[chosen] + item if isinstance(item, str) else item for item in items]


@dataclass(frozen=True, slots=True)
class EmbedHead:
    """One pooled vector per item.

    Attributes:
        normalize: whether vectors have length 1 unless the caller says otherwise.
        dimensions: of a vector.
    """

    normalize: bool
    dimensions: int
    prompts: Prompts = Prompts()
    labels: tuple[str, ...] = ()

    def expand(self, items: Sequence[Item], task: Embed) -> Sequence[Item]:
        """The items behind their prompt; nothing runs for what cannot be presented.

        Raises:
            InvalidRequest: the prompt is unknown, or vectors cannot be had as asked.
        """
        _checked(task, self.dimensions)
        return self.prompts.before(items, task.prompt)

    def present(
        self, items: Sequence[Item], answers: Sequence[Answer], task: Embed
    ) -> NDArray[Any]:
        """Vectors, cut, normalised and narrowed as asked. *Shape:* ``(n_items, dimensions)``.

        Of an item in windows, the mean of their vectors, each weighed by its tokens.

        Raises:
            InvalidRequest: more dimensions are asked for than there are, they do not fill whole
                bytes where they must, or the numbers are of no known type.
        """
        n_dimensions = _checked(task, self.dimensions)
        empty = np.empty((0, n_dimensions), np.float32)
        vectors = over_windows(answers)[:, :n_dimensions] if answers else empty
        normalize = self.normalize if task.normalize is None else task.normalize
        return narrowed(unit(vectors) if normalize else vectors, task.numbers)


@dataclass(frozen=True, slots=True)
class SimilarityHead:
    """The cosine of the first item with each of the others."""

    prompts: Prompts = Prompts()
    labels: tuple[str, ...] = ()

    def expand(self, items: Sequence[Item], task: Similarity) -> Sequence[Item]:
        """The items behind their prompt.

        Raises:
            InvalidRequest: there is nothing to compare the first with.
        """
        if len(items) < 2:
            raise InvalidRequest("there is nothing to compare the source with; send a sentence")
        return self.prompts.before(items, task.prompt)

    def present(self, items: Sequence[Item], answers: Sequence[Answer], task: Similarity) -> Floats:
        """One cosine for every item but the first. *Shape:* ``(n_items - 1,)``."""
        vectors = unit(over_windows(answers))
        result: Floats = vectors[1:] @ vectors[0]
        return result


@dataclass(frozen=True, slots=True)
class StatesHead:
    """The state of every token."""

    prompts: Prompts = Prompts()
    labels: tuple[str, ...] = ()

    def expand(self, items: Sequence[Item], task: States) -> Sequence[Item]:
        """The items behind their prompt."""
        return self.prompts.before(items, task.prompt)

    def present(
        self, items: Sequence[Item], answers: Sequence[Answer], task: States
    ) -> Sequence[Floats]:
        """Per item ``(n_tokens, dimensions)``; of an item in windows, one after the other."""
        return [np.concatenate(answer.windows) for answer in answers]


def narrowed(vectors: Floats, numbers: Numbers) -> NDArray[Any]:
    """Vectors in numbers of another type.

    int8 scales each vector so that its largest number is 127; uint8 is that plus 128; binary and
    ubinary keep the signs, eight to a byte, the first dimension in the highest bit; binary is
    ubinary minus 128.

    Raises:
        InvalidRequest: bits that do not fill whole bytes.
    """
    if numbers == "float32":
        return vectors
    if numbers in ("binary", "ubinary"):
        bits = np.packbits(vectors > 0, axis=-1)
        return bits if numbers == "ubinary" else _moved(bits, by=-128)
    largest = np.maximum(np.abs(vectors).max(axis=-1, keepdims=True), 1e-12)
    whole = np.rint(vectors / largest * 127).astype(np.int8)
    return whole if numbers == "int8" else _moved(whole, by=128)


def _moved(numbers: NDArray[Any], *, by: int) -> NDArray[Any]:
    """Bytes with a sign to bytes without one, or back."""
    result: NDArray[Any] = (numbers.astype(np.int16) + by).astype(np.int8 if by < 0 else np.uint8)
    return result


def _checked(task: Embed, dimensions: int) -> int:
    check_named("numbers", task.numbers, get_args(Numbers))
    asked = dimensions if task.dimensions is None else task.dimensions
    if not 1 <= asked <= dimensions:
        raise InvalidRequest(f"dimensions must be 1 to {dimensions}, not {asked}")
    if task.numbers in ("binary", "ubinary") and asked % 8:
        raise InvalidRequest(
            f"{asked} dimensions do not fill whole bytes; {task.numbers} needs a multiple of 8"
        )
    return asked
