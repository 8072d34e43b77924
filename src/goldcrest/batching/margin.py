"""How much of every deadline is kept free for what no prediction knows; pure: time is an argument.

A prediction is of the engine alone. What comes after it, and what the machine does to both, shows
only in answers that come too late. So a share of each deadline is kept free: it rises in steps while
answers that were admitted come too late, and falls little by little with those in time, as
congestion control does (Chiu and Jain, 1989). Refused early, a caller may go elsewhere; admitted in
vain, a text has used the engine for nobody.
"""

from __future__ import annotations

_STEP = 0.05
_MOST = 0.8
_DECAY = 0.9995
"""Half of the margin is gone after 1,400 answers in time."""
_PAUSE_S = 0.05
"""What is late within so many seconds of a step is late for the same reason."""


class Margin:
    """The share of each deadline that is kept free.

    Attributes:
        share: from 0 to 0.8.
    """

    def __init__(self) -> None:
        self.share = 0.0
        self._stepped_at = float("-inf")

    def late(self, now: float) -> None:
        """Note that something admitted was not answered before its deadline."""
        if now - self._stepped_at >= _PAUSE_S:
            self.share = min(_MOST, self.share + _STEP)
            self._stepped_at = now

    def timely(self, n_jobs: int) -> None:
        """Note jobs with a deadline that were answered before it."""
        self.share *= _DECAY**n_jobs
