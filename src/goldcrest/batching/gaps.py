"""What passes between two grids of a class while its work waits; pure.

It counts in the rate of a grid: of small ones there are more, and with each comes what follows it.
That is a pause, in which the engine waits for us, and for work that is not urgent the grids of work
that is, which come in between as soon as one ends.
"""

from __future__ import annotations

from goldcrest.names import PRIORITIES, Priority

_WEIGHT = 0.05
_LONGEST_PAUSE_S = 0.002
"""What a pause counts for at most: a longer one has other reasons."""
_LONGEST_S = 0.01
"""What more urgent grids are taken to take at most: where they hold the engine, size does not help."""
_PER_GRID = 0.5
"""Of what more urgent grids take, about what goes with the number of gaps and not with the time between
them: more urgent work comes while a longer grid runs, but of what has come together most runs together."""


class Gaps:
    """Seconds from one grid to the next, by the most urgent class that is in it."""

    def __init__(self) -> None:
        self._pause_s = 0.0
        self._others_s: dict[Priority, float] = {}
        self._waiting: dict[Priority, float] = {}  # seconds of others since a grid of each

    def seconds(self, priority: Priority) -> float:
        """What passes from a grid of a class to the next one on average, if not for its length."""
        return self._pause_s + _PER_GRID * self._others_s.get(priority, 0.0)

    def ran(self, priority: Priority, *, pause_s: float, run_s: float) -> None:
        """Note a grid after which work still waits.

        Args:
            priority: the most urgent class in it.
            pause_s: for how long the engine waited for it.
            run_s: what it took.
        """
        pause_s = min(pause_s, _LONGEST_PAUSE_S)
        self._pause_s += _WEIGHT * (pause_s - self._pause_s)
        if priority in self._waiting:
            passed_s = min(self._waiting[priority], _LONGEST_S)
            known_s = self._others_s.get(priority, 0.0)
            self._others_s[priority] = known_s + _WEIGHT * (passed_s - known_s)
        rank = PRIORITIES.index(priority)
        self._waiting = {
            other: seconds + pause_s + run_s
            for other, seconds in self._waiting.items()
            if PRIORITIES.index(other) > rank  # no more urgent one waits, or it would be in it
        }
        self._waiting[priority] = 0.0

    def emptied(self) -> None:
        """Note that nothing waits any more: what runs from now on keeps nobody waiting."""
        self._waiting.clear()
