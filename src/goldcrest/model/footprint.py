"""What an open version takes in memory: judged by its files, then measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

_PER_WEIGHT = 2.0
_FIXED_BYTES = 16 * 2**20
_PER_TOKENIZER_BYTE = 25
"""Measured: kernels and buffers take about as much again as the weights, from 17 to 270 MB of
them; the words of a tokenizer take 25 times their file."""


def judged_bytes(*, weights: int, tokenizer: int) -> int:
    """What a version will take, by the sizes of its files in bytes."""
    return int(_PER_WEIGHT * weights) + _FIXED_BYTES + _PER_TOKENIZER_BYTE * tokenizer


@dataclass(slots=True)
class Footprint:
    """What one version takes in memory.

    Attributes:
        weights_bytes: of the graph that runs.
        n_bytes: all of it; judged, until it was measured once.
        is_warm: whether every kernel that it will have is in it.
    """

    weights_bytes: int = 0
    n_bytes: int = 0
    is_warm: bool = False

    @property
    def kernels_bytes(self) -> int:
        """Everything but the weights."""
        return max(0, self.n_bytes - self.weights_bytes)


@dataclass(slots=True)
class Stir:
    """Counts what makes a process grow or shrink, for growth has a cause only if it was alone."""

    _n: int = 0
    _lock: Lock = field(default_factory=Lock)

    @property
    def n_events(self) -> int:
        return self._n

    def begin(self) -> int:
        """Note that a version opens or closes; returns the number of this event, from 1."""
        with self._lock:
            self._n += 1
            return self._n

    def is_last(self, number: int) -> bool:
        """Whether nothing opened or closed since that event."""
        return self._n == number
