"""The Pareto front: the points that no other point beats; pure."""

from __future__ import annotations

from collections.abc import Sequence

Point = tuple[float, ...]
"""Of each coordinate, more is better."""


def dominates(one: Point, other: Point) -> bool:
    """Whether a point is at least as good in every coordinate, and better in one."""
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))


def front(points: Sequence[Point]) -> list[int]:
    """The numbers of the points that no other dominates, in their order; equal ones stay all."""
    return [
        number
        for number, point in enumerate(points)
        if not any(dominates(other, point) for other in points)
    ]
