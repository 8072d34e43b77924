"""Rows of unequal length as flat arrays, and how they are put into batches; pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]

_NOISE_TOKENS = 3.0
"""How far a text may stray among its neighbours in length, so that its company changes."""


@dataclass(frozen=True, slots=True)
class Ragged:
    """Rows of unequal length, one after the other.

    Attributes:
        values: *Shape:* ``(n_values,)``.
        starts: *Shape:* ``(n_rows + 1,)``; where each row begins, and where the last ends.
    """

    values: NDArray[np.int32]
    starts: Indices

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]]) -> Ragged:
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        values = np.fromiter((v for row in rows for v in row), np.int32, int(lengths.sum()))
        return cls(values, np.concatenate([[0], np.cumsum(lengths)]))

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> Indices:
        return np.diff(self.starts)

    def __getitem__(self, row: int) -> NDArray[np.int32]:
        return self.values[self.starts[row] : self.starts[row + 1]]

    def places(self, rows: Indices) -> Indices:
        """Where the values of these rows lie, row after row."""
        lengths = self.lengths[rows]
        before = np.cumsum(lengths) - lengths
        places: Indices = np.arange(lengths.sum()) + np.repeat(self.starts[rows] - before, lengths)
        return places

    def padded(self, rows: Indices, fill: int) -> NDArray[np.int64]:
        """These rows as a matrix, filled up at their ends."""
        mask = self.mask(rows)
        matrix = np.full(mask.shape, fill, np.int64)
        matrix[mask] = self.values[self.places(rows)]
        return matrix

    def mask(self, rows: Indices) -> NDArray[np.bool_]:
        """Where the matrix of `padded` holds values."""
        lengths = self.lengths[rows]
        mask: NDArray[np.bool_] = np.arange(lengths.max(initial=0)) < lengths[:, None]
        return mask

    def mapped(self, table: NDArray[Any]) -> Ragged:
        """Every value replaced by what the table has at its place."""
        return Ragged(table[self.values].astype(np.int32), self.starts)


def epoch_batches(
    lengths: Indices, *, tokens: int, rows: int, rng: np.random.Generator
) -> list[Indices]:
    """One epoch: neighbours in length share a batch, batches come in random order.

    Args:
        lengths: of each row, in tokens.
        tokens: slots of a batch, padding included; a longer row stands alone.
        rows: of a batch, at most.
        rng: its noise mixes the company that a row keeps from epoch to epoch.
    """
    batches = list(sorted_batches(lengths, tokens=tokens, rows=rows, rng=rng))
    return [batches[index] for index in rng.permutation(len(batches))]


def sorted_batches(
    lengths: Indices, *, tokens: int, rows: int, rng: np.random.Generator | None = None
) -> Iterator[Indices]:
    """Batches from the shortest rows to the longest; arguments as for `epoch_batches`."""
    noise = rng.uniform(0.0, _NOISE_TOKENS, len(lengths)) if rng else 0.0
    order = np.argsort(lengths + noise, kind="stable")
    start, width = 0, 0
    for end, length in enumerate(lengths[order].tolist()):
        widened = max(width, length)
        if end > start and ((end - start + 1) * widened > tokens or end - start == rows):
            yield order[start:end]
            start, widened = end, length
        width = widened
    if start < len(order):
        yield order[start:]
