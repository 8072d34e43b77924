"""How much of every deadline is kept free for what no prediction knows; pure: time is an argument.

A prediction is of the engine alone. What comes after it, and what the machine does to both, shows
only in answers that come too late. So a share of each deadline is kept free: it rises in steps while
answers that were admitted come too late, and falls little by little with those in time, as
congestion control does (Chiu and Jain, 1989). Refused early, a caller may go elsewhere; admitted in
vain, a text has used the engine for nobody.

And a queue is for bursts. Where work has been refused all through a deadline, more comes than can be
done, and the queue would stand at the limit: the engine is as busy with a shorter one, and a moment
in which the machine stands still then makes nothing late. Source: K. Nichols, V. Jacobson,
"Controlling queue delay", 2012 (https://queue.acm.org/detail.cfm?id=2209336).
"""

from __future__ import annotations

_LEAST = 0.2
"""What is kept free at all times: without it, every overload began with a burst of late answers."""
_STANDING = 0.5
"""What is kept free at least while the queue would stand."""
_STEP = 0.1
_MOST = 0.8
_DECAY = 0.99995
"""Half of what is above the least is gone after 14,000 answers in time."""

_NEVER = float("-inf")


class Margin:
    """The share of each deadline that is kept free.

    Attributes:
        learnt: what late answers have made of it, from 0.2 to 0.8.
    """

    def __init__(self) -> None:
        self.learnt = _LEAST
        self._stepped_at = self._timely_at = _NEVER
        self._refusing_since = self._refused_at = _NEVER

    def share(self, now: float, deadline_s: float) -> float:
        """What is kept free of a deadline, as a share of it.

        Args:
            now: seconds on the clock.
            deadline_s: from the arrival on.
        """
        return max(self.learnt, _STANDING) if self._is_standing(now, deadline_s) else self.learnt

    def late(self, now: float, deadline_s: float) -> None:
        """Note that something admitted was not answered before its deadline.

        It takes as long as a deadline for a step to show: until then nothing steps again.

        Args:
            now: seconds on the clock.
            deadline_s: of what came too late, from its arrival on.
        """
        if now - self._stepped_at >= deadline_s:
            self.learnt = min(_MOST, self.learnt + _STEP)
            self._stepped_at = now

    def timely(self, now: float, n_jobs: int) -> None:
        """Note jobs with a deadline that were answered before it."""
        if n_jobs:
            self.learnt = _LEAST + (self.learnt - _LEAST) * _DECAY**n_jobs
            self._timely_at = now

    def refused(self, now: float, deadline_s: float) -> None:
        """Note that something was refused because it would come too late."""
        if now - self._refused_at > deadline_s:
            self._refusing_since = now
        self._refused_at = now

    def _is_standing(self, now: float, deadline_s: float) -> bool:
        """Whether refusals have gone on for a deadline, and not for the sake of others.

        Where nothing with a deadline is answered any more, what waits has none: to refuse more would
        not make it less.
        """
        return (
            now - self._refused_at <= deadline_s < now - self._refusing_since
            and now - self._timely_at <= 2 * deadline_s
        )
