"""What is left free below a limit, so that the grids that are to keep it rarely exceed it; pure.

Runs of one shape differ, for the engine shares its processors. What takes them most is a large
request: where one has just been answered, its answer is written, and its caller's next one is
read and tokenised, while the next grid runs. So that grid has a slack of its own, and need not
make all others smaller.
"""

from __future__ import annotations

_FIRST = 0.2
"""Of the limit; until more is known, it is kept rather than exceeded."""
_RARE = 0.007
"""Of the grids that come near their limit, those that may exceed it: the slack is still moving while
it is used, and more exceed it than would in the long run."""
_STEP_S = 0.0005
"""By how much one that did moves it."""


class Slack:
    """Seconds below a limit, learnt from the runs that come near it."""

    def __init__(self) -> None:
        self._seconds: dict[bool, float] = {}

    def below(self, limit_s: float, *, is_crowded: bool) -> float:
        """What to leave free; at most half of the limit.

        Args:
            limit_s: what a grid should take at most.
            is_crowded: whether a large request has just been answered.
        """
        return min(self._seconds.get(is_crowded, _FIRST * limit_s), limit_s / 2)

    def ran(self, seconds: float, limit_s: float, *, is_crowded: bool) -> None:
        """Note a run of a grid that was to keep a limit, and comes near it.

        The slack moves to where runs beyond the limit are as rare as they should be. Grids that
        are much smaller, or keep no limit, tell nothing: the longer a run, the more interrupts it.

        Args:
            seconds: what it took.
            limit_s: what it was to take at most.
            is_crowded: what `below` was told of it.
        """
        moved_s = _STEP_S if seconds > limit_s else -_STEP_S * _RARE / (1 - _RARE)
        known_s = self._seconds.get(is_crowded, _FIRST * limit_s)
        self._seconds[is_crowded] = max(0.0, known_s + moved_s)
