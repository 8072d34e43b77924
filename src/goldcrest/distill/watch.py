"""How a run is shown, and how it is told to end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Watch(Protocol):
    """Shown what goes on."""

    def begin(self, title: str, total: int) -> None:
        """A part of the work begins; 0 where nobody knows how long it is."""

    def advance(self, done: int, figures: str) -> None:
        """So much of its total is done."""

    def say(self, line: str) -> None:
        """Something that should stay to be read."""


class Unwatched:
    """Shows nothing."""

    def begin(self, title: str, total: int) -> None: ...
    def advance(self, done: int, figures: str) -> None: ...
    def say(self, line: str) -> None: ...


MustEnd = Callable[[], bool]
"""Asked after every step whether the run must end."""
