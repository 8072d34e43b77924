"""Whose turn it is among lanes that share an engine: weighted rounds by engine seconds; pure."""

from __future__ import annotations

from collections.abc import Mapping


class Rounds:
    """What each lane has used of the engine, divided by its share: its *due*.

    The lane that is due least goes first, so lanes that are always busy use the engine by their
    shares. One that was idle begins where the busy ones stand: it is owed nothing for the time
    when it wanted nothing.
    """

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._share: dict[str, float] = {}
        self._used: dict[str, float] = {}
        self._floor = 0.0  # what the busy lane that had used least had used; it never falls

    def open(self, lane: str, share: float) -> None:
        """Let a lane take part.

        Raises:
            ValueError: if ``share`` is not positive.
        """
        if share <= 0:
            raise ValueError(f"the share of {lane} must be more than 0, not {share}")
        self._share[lane] = share
        self._due.setdefault(lane, self._floor)
        self._used.setdefault(lane, 0.0)

    def shut(self, lane: str) -> None:
        """Forget a lane."""
        for known in (self._share, self._due, self._used):
            known.pop(lane, None)

    def due(self, lane: str) -> float:
        """Where a lane stands, or would if it wanted the engine now."""
        return max(self._due[lane], self._floor)

    def share(self, lane: str) -> float:
        return self._share[lane]

    def used_s(self, lane: str) -> float:
        """Engine seconds of a lane, of all time."""
        return self._used.get(lane, 0.0)

    def wake(self, lane: str) -> None:
        """Note that a lane wants the engine again."""
        self._due[lane] = max(self._due[lane], self._floor)

    def turn(self, lanes: Mapping[str, float]) -> str:
        """Say whose turn it is.

        Args:
            lanes: those that want the engine, not none, and the head start of each in seconds.
        """
        self._floor = max(self._floor, min([self._due[lane] for lane in lanes]))
        return min(lanes, key=lambda lane: self._due[lane] - lanes[lane])

    def charge(self, lane: str, seconds: float) -> None:
        """Note what a lane has used; less than nothing corrects what was noted before."""
        if lane in self._due:
            self._due[lane] += seconds / self._share[lane]
            self._used[lane] += seconds
