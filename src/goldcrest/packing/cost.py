"""Seconds that a grid takes: a measured table, corrected by every run."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Mapping
from math import inf
from typing import Any

from goldcrest.values import Shape

_WEIGHT = 0.1
_CLIP = 2.0


class CostTable:
    """What each shape costs on this machine, as far as it is known.

    A run moves its shape's figure a tenth of the way (in logarithms) towards what it took, and
    counts as at most twice, at least half, of what was expected: one run that the machine
    interrupted shifts a figure by 7 % at most, whatever it took.
    """

    def __init__(self, seconds: Mapping[Shape, float] | None = None) -> None:
        self._seconds = dict(seconds or {})

    @property
    def measured(self) -> frozenset[Shape]:
        """The shapes that were measured or have run."""
        return frozenset(self._seconds)

    def seconds(self, shape: Shape) -> float | None:
        """Predict what one run takes.

        A shape that has not run yet is interpolated by slots between its neighbours; None where
        nothing is known at all.
        """
        known = self._seconds.get(shape)
        return self._estimate(shape.n_slots) if known is None else known

    def costs(self, shapes: Iterable[Shape]) -> dict[Shape, float]:
        """Predict several shapes, leaving out those of which nothing is known."""
        predicted = ((shape, self.seconds(shape)) for shape in shapes)
        return {shape: seconds for shape, seconds in predicted if seconds is not None}

    def put(self, shape: Shape, seconds: float) -> None:
        """Set a shape's figure, whatever it was.

        Raises:
            ValueError: if ``seconds`` is not positive.
        """
        self._seconds[shape] = _positive(str(shape), seconds)

    def observe(self, shape: Shape, seconds: float) -> None:
        """Learn from one run.

        Raises:
            ValueError: if ``seconds`` is not positive.
        """
        if seconds <= 0:
            raise ValueError(f"a run of a grid takes more than 0 seconds, not {seconds}")
        known = self._seconds.get(shape)
        if known is None:
            self._seconds[shape] = seconds
            return
        ratio = min(max(seconds / known, 1 / _CLIP), _CLIP)
        self._seconds[shape] = known * ratio**_WEIGHT

    def to_json(self) -> dict[str, float]:
        """Write the table as plain data: ``{"4x64": 0.0132}``."""
        return {str(shape): seconds for shape, seconds in sorted(self._seconds.items())}

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> CostTable:
        """Read what ``to_json`` wrote.

        Raises:
            ValueError: if a key is not like ``4x64``, or a value not a positive number.
        """
        return cls({_shape(key): _positive(key, value) for key, value in table.items()})

    def _estimate(self, n_slots: int) -> float | None:
        points = sorted((shape.n_slots, seconds) for shape, seconds in self._seconds.items())
        if not points:
            return None
        place = bisect(points, (n_slots, inf))
        if place == 0:  # smaller than all: no grid is known to cost less than the smallest
            return points[0][1]
        slots, cost = points[place - 1]
        if place == len(points):  # larger than all: the price per slot stays
            return cost * n_slots / slots
        next_slots, next_cost = points[place]
        return cost + (next_cost - cost) * (n_slots - slots) / (next_slots - slots)


def _shape(key: str) -> Shape:
    rows, _, width = key.partition("x")
    if not (rows.isdecimal() and width.isdecimal() and int(rows) and int(width)):
        raise ValueError(f"{key!r} in a cost table is not a shape such as '4x64'")
    return Shape(int(rows), int(width))


def _positive(key: str, value: Any) -> float:
    if not (isinstance(value, int | float) and 0 < value < inf):
        raise ValueError(f"{value!r} in a cost table is not the seconds that a grid of {key} takes")
    return float(value)
