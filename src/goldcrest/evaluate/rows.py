"""Texts and what is known of each: the rows of a set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from goldcrest.values import Item

Label = str | float | tuple[str, ...] | None
"""The name or number of a class; a score; several (classes, BIO tags of the words, accepted answers
of a question); or unknown."""


@dataclass(frozen=True, slots=True)
class Row:
    """One text, or pair of texts, and what is known of it.

    Attributes:
        line: where it begins in its file, from 1; 0 where it comes from none.
    """

    item: Item
    label: Label = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class TextSet:
    """Texts to measure a model with.

    Attributes:
        name: what errors and reports call it, such as the name of its file.
    """

    name: str
    rows: tuple[Row, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def is_labelled(self) -> bool:
        """Whether every row has a label, and there is at least one."""
        return bool(self.rows) and all(row.label is not None for row in self.rows)

    @property
    def has_several(self) -> bool:
        """Whether a row may have several labels."""
        return any(isinstance(row.label, tuple) for row in self.rows)

    @property
    def items(self) -> list[Item]:
        return [row.item for row in self.rows]

    @property
    def texts(self) -> list[str]:
        """All texts in order; of a pair both."""
        return list(self._texts())

    def _texts(self) -> Iterator[str]:
        for row in self.rows:
            yield from texts_of(row.item)

    def sample(self, n: int, *, seed: int = 0) -> TextSet:
        """So many rows chosen at random, in their old order; all where there are no more."""
        if n >= len(self.rows):
            return self
        chosen = np.random.default_rng(seed).choice(len(self.rows), size=n, replace=False)
        return self._only(np.sort(chosen).tolist())

    def split(self, share: float, *, seed: int = 0) -> tuple[TextSet, TextSet]:
        """That share of the rows, chosen at random, and the others; both in their old order.

        Of two rows or more, each side has at least one.
        """
        order = np.random.default_rng(seed).permutation(len(self.rows))
        least = 1 if len(self.rows) > 1 else 0
        n = min(max(round(share * len(self.rows)), least), len(self.rows) - least)
        return self._only(sorted(order[:n].tolist())), self._only(sorted(order[n:].tolist()))

    def _only(self, places: list[int]) -> TextSet:
        return TextSet(self.name, tuple(self.rows[place] for place in places))

    def place(self, index: int) -> str:
        """What an error calls a row: "line 7 of reviews.csv"."""
        line = self.rows[index].line
        return f"{f'line {line}' if line else f'row {index + 1}'} of {self.name}"


def texts_of(item: Item) -> tuple[str, ...]:
    """The text of an item, or both of a pair."""
    return (item,) if isinstance(item, str) else tuple(map(str, item))
