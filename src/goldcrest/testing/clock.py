"""A clock that moves when told to."""

from __future__ import annotations


class ManualClock:
    """Call it for the time in seconds; ``advance`` moves it."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Move forward.

        Raises:
            ValueError: if ``seconds`` is negative; no clock of ours runs backwards.
        """
        if seconds < 0:
            raise ValueError(f"a clock cannot advance by {seconds} s")
        self.now += seconds
