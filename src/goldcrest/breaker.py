"""A circuit breaker: what keeps failing is left alone for a while.

Closed, it lets every call through. After some failures in a row, or a share of failures among the
latest calls, it opens: calls are not even tried. After a while a single one is let through on
trial; it closes the breaker again, or opens it for longer. Time is an argument of `Breaker`;
`Guard` brings the clock and the lock, for calls on any thread and on an event loop.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Literal

from goldcrest.records import Sample

State = Literal["closed", "open", "trial"]

_LATEST = 256
"""Calls that are remembered at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """What a breaker puts up with, and for how long it then stays open.

    Attributes:
        in_a_row: failures one after the other that open it.
        share: of the calls within ``window_s`` that may fail, if there are ``least`` of them;
            the latest few hundred are looked at.
        least: calls below which no share is looked at.
        window_s: how long a call counts towards the share.
        rest_s: how long it first stays open; twice as long after each trial that fails.
        longest_s: the longest that it stays open.
        jitter: the share of that time by which it is drawn longer or shorter, so that many
            processes do not come back at the same moment.
        trial_s: a trial of which nothing was heard for so long has failed.
    """

    in_a_row: int = 5
    share: float = 0.5
    least: int = 20
    window_s: float = 10.0
    rest_s: float = 1.0
    longest_s: float = 60.0
    jitter: float = 0.2
    trial_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Permit:
    """A call that was let through; its outcome counts only for the period it was let through in."""

    period: int


class BreakerOpen(Exception):
    """The call was not tried.

    Attributes:
        for_s: about how long until another one will be.
    """

    def __init__(self, name: str, for_s: float) -> None:
        super().__init__(f"{name} failed too often; it is asked again in {for_s:.1f} s")
        self.name, self.for_s = name, for_s


class Breaker:
    """The decisions alone: knows no clock, no lock and no log.

    Args:
        tolerance: what it puts up with.
        chance: draws from 0 to 1.

    Attributes:
        n_failures: calls that failed since it was made.
    """

    def __init__(
        self, tolerance: Tolerance | None = None, *, chance: Callable[[], float] = random.random
    ) -> None:
        self._tolerance, self._chance = tolerance or Tolerance(), chance
        self.n_failures = 0
        self._period = 0
        self._n_in_a_row = 0
        self._n_openings = 0  # one after the other, without a success between them
        self._open_until: float | None = None  # None while it is closed
        self._trial_since: float | None = None
        self._calls: deque[tuple[float, bool]] = deque()
        self._n_failed = 0  # among ``_calls``

    def state(self, now: float) -> State:
        """Closed, open, or open but due for a trial, be one under way or not."""
        if self._open_until is None:
            return "closed"
        return "open" if now < self._open_until else "trial"

    def rest_s(self, now: float) -> float:
        """How long it will stay open; 0 where a call may be let through."""
        return 0.0 if self._open_until is None else max(0.0, self._open_until - now)

    def admit(self, now: float) -> Permit | None:
        """Let a call through, or not; whoever is given a permit must settle it."""
        if self._open_until is None:
            return Permit(self._period)
        if now < self._open_until or self._is_on_trial(now):
            return None
        self._period += 1
        self._trial_since = now
        return Permit(self._period)

    def settle(self, permit: Permit, *, now: float, failed: bool | None) -> None:
        """Hear what became of a call.

        Args:
            permit: what it was let through with.
            now: when it ended.
            failed: None where it was given up before anything could be learned.
        """
        self.n_failures += bool(failed)
        if permit.period != self._period:
            return  # it began before the breaker opened or closed: it tells of the past
        if self._open_until is not None:
            self._judge(now, failed=failed)
        elif failed is not None:
            self._count(now, failed=failed)

    def _is_on_trial(self, now: float) -> bool:
        return self._trial_since is not None and now < self._trial_since + self._tolerance.trial_s

    def _judge(self, now: float, *, failed: bool | None) -> None:
        """Hear of a trial."""
        self._trial_since = None
        if failed:
            self._open(now)
        elif failed is False:
            self._period += 1
            self._open_until = None
            self._n_openings = 0

    def _count(self, now: float, *, failed: bool) -> None:
        self._calls.append((now, failed))
        self._n_failed += failed
        while len(self._calls) > _LATEST or self._calls[0][0] < now - self._tolerance.window_s:
            self._n_failed -= self._calls.popleft()[1]
        self._n_in_a_row = self._n_in_a_row + 1 if failed else 0
        if failed and self._is_too_much():
            self._open(now)

    def _is_too_much(self) -> bool:
        limits = self._tolerance
        n_calls = len(self._calls)
        return self._n_in_a_row >= limits.in_a_row or (
            n_calls >= limits.least and self._n_failed >= limits.share * n_calls
        )

    def _open(self, now: float) -> None:
        limits = self._tolerance
        rest_s = min(limits.longest_s, limits.rest_s * 2.0 ** min(self._n_openings, 32))
        self._open_until = now + rest_s * (1 + limits.jitter * (2 * self._chance() - 1))
        self._n_openings += 1
        self._n_in_a_row = self._n_failed = 0
        self._calls.clear()
        self._period += 1


Changed = Callable[[BaseException | None], None]
"""Is told what opened it; None where it closed."""


class Guard:
    """A breaker with a name, a clock and a lock, around calls of any kind.

    Args:
        name: of what it guards, for metrics.
        failures: the exceptions that count as failures; others are answers.
        tolerance: what it puts up with.
        clock: seconds; only differences matter.
        changed: is told when it opens and when it closes, and not of trials that fail between.
    """

    def __init__(
        self,
        name: str,
        failures: tuple[type[Exception], ...] = (OSError, TimeoutError),
        *,
        tolerance: Tolerance | None = None,
        clock: Callable[[], float] = time.monotonic,
        changed: Changed = lambda _: None,
    ) -> None:
        self.name = name
        self._failures, self._clock, self._changed = failures, clock, changed
        self._breaker = Breaker(tolerance)
        self._lock = Lock()
        self._was_open = False

    @property
    def is_open(self) -> bool:
        """Whether calls are not let through, but for the trial that is due."""
        return self._was_open

    @property
    def rest_s(self) -> float:
        """How long calls will not be let through."""
        return self._breaker.rest_s(self._clock())

    def samples(self) -> Iterator[Sample]:
        """What is told to the metrics, read at the moment of asking."""
        yield "breaker_open", (self.name,), float(self._was_open)
        yield "breaker_failures", (self.name,), float(self._breaker.n_failures)

    def admit(self) -> Permit | None:
        """Let a call through, or not; whoever is given a permit must settle it."""
        with self._lock:
            return self._breaker.admit(self._clock())

    def settle(
        self, permit: Permit, *, failed: bool | None, error: BaseException | None = None
    ) -> None:
        """Hear what became of a call, as `Breaker.settle` does."""
        with self._lock:
            now = self._clock()
            self._breaker.settle(permit, now=now, failed=failed)
            is_open = self._breaker.state(now) != "closed"
            has_changed, self._was_open = is_open != self._was_open, is_open
        if has_changed:
            self._changed((error or TimeoutError("it took too long")) if is_open else None)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Around a call, awaited or not, in a ``with`` statement.

        Raises:
            BreakerOpen: the call must not be tried; the statement's body does not run.
        """
        permit = self.admit()
        if permit is None:
            raise BreakerOpen(self.name, self.rest_s)
        try:
            yield
        except self._failures as error:
            self.settle(permit, failed=True, error=error)
            raise
        except Exception:
            self.settle(permit, failed=False)
            raise
        except BaseException:
            self.settle(permit, failed=None)
            raise
        self.settle(permit, failed=False)


HUB_TOLERANCE = Tolerance(in_a_row=5, rest_s=30.0, longest_s=600.0, trial_s=900.0)
HUB = Guard("hub", tolerance=HUB_TOLERANCE)
"""Guards the Hugging Face Hub; one for the process, whoever asks it."""
