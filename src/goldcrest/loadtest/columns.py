"""What became of requests, one number after the other: small, quick to write, easy to send."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import msgspec
import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Codes = NDArray[np.int16]


class Chunk(msgspec.Struct, frozen=True):
    """Some rows, as bytes: 8-byte floats, 2-byte integers."""

    due: bytes
    latency: bytes
    lag: bytes
    label: bytes
    outcome: bytes


class Columns:
    """Rows that are still being written."""

    __slots__ = ("_due", "_label", "_lag", "_latency", "_outcome", "n_written")

    def __init__(self) -> None:
        self.n_written = 0
        self._clear()

    def add(self, *, due: float, latency: float, lag: float, label: int, outcome: int) -> None:
        """Write one row.

        Args:
            due: when it was meant to leave, in s since the step began.
            latency: in s, from then.
            lag: s by which it left late.
            label: a number for its class.
            outcome: see ``connection``.
        """
        self.n_written += 1
        self._due.append(due)
        self._latency.append(latency)
        self._lag.append(lag)
        self._label.append(label)
        self._outcome.append(outcome)

    def take(self) -> Chunk:
        """The rows that were written since the last call."""
        columns = (self._due, self._latency, self._lag, self._label, self._outcome)
        chunk = Chunk(*(column.tobytes() for column in columns))
        self._clear()
        return chunk

    def _clear(self) -> None:
        self._due, self._latency, self._lag = array("d"), array("d"), array("d")
        self._label, self._outcome = array("h"), array("h")


class Rows(msgspec.Struct, frozen=True):
    """Rows that can be reckoned with; times in s.

    *Shape:* ``(n_requests,)`` each.
    """

    due: Doubles
    latency: Doubles
    lag: Doubles
    label: Codes
    outcome: Codes

    @classmethod
    def join(cls, chunks: Iterable[Chunk]) -> Rows:
        """Put chunks together, in any order."""
        kept = list(chunks)
        return cls(
            due=np.frombuffer(b"".join(chunk.due for chunk in kept), np.float64),
            latency=np.frombuffer(b"".join(chunk.latency for chunk in kept), np.float64),
            lag=np.frombuffer(b"".join(chunk.lag for chunk in kept), np.float64),
            label=np.frombuffer(b"".join(chunk.label for chunk in kept), np.int16),
            outcome=np.frombuffer(b"".join(chunk.outcome for chunk in kept), np.int16),
        )

    def __len__(self) -> int:
        return len(self.due)

    def where(self, chosen: NDArray[np.bool_]) -> Rows:
        """The rows for which this is true."""
        return Rows(
            self.due[chosen],
            self.latency[chosen],
            self.lag[chosen],
            self.label[chosen],
            self.outcome[chosen],
        )
