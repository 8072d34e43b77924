"""How much of every deadline is kept free for what no prediction knows; pure: time is an argument.

A prediction is of the engine alone. What comes after it, and what the machine does to both, shows
only in answers that come too late. So a share of each deadline is kept free: it rises in steps while
answers that were admitted come too late, and falls little by little with those in time, as
congestion control does (Chiu and Jain, 1989). Refused early, a caller may go elsewhere; admitted in
vain, a text has used the engine for nobody.
"""

from __future__ import annotations

_LEAST = 0.2
"""What is kept free at all times: without it, every overload began with a burst of late answers."""
_STEP = 0.1
_MOST = 0.8
_DECAY = 0.99995
"""Half of what is above the least is gone after 14,000 answers in time."""


class Margin:
    """The share of each deadline that is kept free.

    Attributes:
        share: from 0.2 to 0.8.
    """

    def __init__(self) -> None:
        self.share = _LEAST
        self._stepped_at = float("-inf")

    def late(self, now: float, deadline_s: float) -> None:
        """Note that something admitted was not answered before its deadline.

        It takes as long as a deadline for a step to show: until then nothing steps again.

        Args:
            now: seconds on the clock.
            deadline_s: of what came too late, from its arrival on.
        """
        if now - self._stepped_at >= deadline_s:
            self.share = min(_MOST, self.share + _STEP)
            self._stepped_at = now

    def timely(self, n_jobs: int) -> None:
        """Note jobs with a deadline that were answered before it."""
        self.share = _LEAST + (self.share - _LEAST) * _DECAY**n_jobs
