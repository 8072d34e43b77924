"""Where the names of points stand, so that none lies on another; pure arithmetic in pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

_LETTER, _LINE = 6.6, 13.0
"""How wide a letter is, about, and how high a line, at 12 pixels."""
_GAP = 7.0
_RADIUS = 4.0
_STEPS = 6


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether they share more than an edge."""
        is_beside = self.right <= other.left or other.right <= self.left
        return not (is_beside or self.bottom <= other.top or other.bottom <= self.top)

    def holds(self, other: Box) -> bool:
        """Whether the other lies within."""
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.top <= other.top
            and other.bottom <= self.bottom
        )


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a place: of its beginning or its end, on the base line."""

    text: str
    x: float
    y: float
    anchor: Literal["start", "end"]

    @property
    def box(self) -> Box:
        """What it covers, about."""
        wide = _LETTER * len(self.text)
        left = self.x if self.anchor == "start" else self.x - wide
        return Box(left, self.y - 0.75 * _LINE, left + wide, self.y + 0.25 * _LINE)


def labels(points: Sequence[tuple[float, float, str]], frame: Box) -> list[Label]:
    """Place a name beside each point: to its right, or where there is room.

    Args:
        points: x, y, name.
        frame: what no name should leave. Where there is room nowhere, a name stands to the right
            of its point whatever it covers.
    """
    taken = [Box(x - _RADIUS, y - _RADIUS, x + _RADIUS, y + _RADIUS) for x, y, _ in points]
    found: list[Label] = []
    for x, y, text in points:
        places = list(_places(x, y, text))
        free = (
            place
            for place in places
            if frame.holds(place.box) and not any(map(place.box.meets, taken))
        )
        found.append(next(free, places[0]))
        taken.append(found[-1].box)
    return found


def _places(x: float, y: float, text: str) -> Iterator[Label]:
    """Beside the point, then further and further above and below."""
    for step in range(_STEPS):
        for side in (-1, 1) if step else (1,):
            at = y + 4 + side * step * 0.75 * _LINE
            yield Label(text, x + _GAP, at, "start")
            yield Label(text, x - _GAP, at, "end")
