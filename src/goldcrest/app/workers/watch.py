"""When a worker is given up, and when the next one starts; pure, time is an argument."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TypeVar

Reason = Literal["died", "silent", "engine", "ended", "asked"]
"""Why a worker was replaced: a signal or an error ended it; its event loop stood still; its engine
did; it was told to end by somebody else; a fresh one was asked for."""

START_S = 60.0
"""How long a worker may be silent before it was ready for the first time: it imports libraries and
compiles, which both may keep its event loop."""

_SOON_S = 5.0
"""A worker that ends within this time of its first readiness counts as one that cannot start."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_N_TRIES = 5


def beat_s(heartbeat_s: float) -> float:
    """How often a worker says that it is alive."""
    return min(1.0, heartbeat_s / 5)


class Pulse:
    """When a worker was last heard.

    Args:
        now: in seconds; only differences matter.
        heartbeat_s: the silence after which it is given up.
    """

    def __init__(self, now: float, heartbeat_s: float) -> None:
        self.started_at, self.heard_at = now, now
        self.ready_at: float | None = None
        self._heartbeat_s = heartbeat_s

    def beat(self, now: float, *, is_ready: bool) -> None:
        self.heard_at = now
        if is_ready and self.ready_at is None:
            self.ready_at = now

    def is_silent(self, now: float) -> bool:
        limit = self._heartbeat_s if self.ready_at else max(START_S, self._heartbeat_s)
        return now - self.heard_at > limit

    def died_soon(self, now: float) -> bool:
        """Whether it could not start, or ended just after."""
        return self.ready_at is None or now - self.ready_at < _SOON_S


class Gaps:
    """Notices that the observer itself did not run, so that nobody is blamed for his sleep.

    Args:
        every_s: how often it is asked.
    """

    def __init__(self, now: float, every_s: float) -> None:
        self._last, self._every_s = now, every_s

    def slept(self, now: float) -> bool:
        """Whether much more time has passed since the last call than should have."""
        last, self._last = self._last, now
        return now - last > 2 * self._every_s


class Losses:
    """How often in a row a worker could not start."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def note(self, *, soon: bool) -> None:
        self._in_a_row = self._in_a_row + 1 if soon else 0

    @property
    def pause_s(self) -> float:
        """How long to wait before the next one is started: not at all after a first loss."""
        if self._in_a_row < 2:
            return 0.0
        return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(self._in_a_row - 2, 10))

    def is_hopeless(self, status: int) -> bool:
        """Whether to give up, if none has ever been ready.

        Args:
            status: of its end; a negative one is a signal's number. A positive one says that it
                ended with an error, which the next one would meet too.
        """
        return status > 0 or self._in_a_row >= _N_TRIES


class Candidate(Protocol):
    """A worker, as far as it matters for taking connections."""

    @property
    def may_listen(self) -> bool: ...

    @property
    def is_ready(self) -> bool: ...

    @property
    def was_ready(self) -> bool: ...


C = TypeVar("C", bound=Candidate)


def next_to_listen(workers: Sequence[C]) -> list[C]:
    """Choose who may take connections from now on.

    Where nobody does, the first one begins at once, so that callers are told that models load. The
    others join when they are ready, and not before that one is: until then the port gives the same
    answer whoever is met there.
    """
    listening = [worker for worker in workers if worker.may_listen]
    ready = [worker for worker in workers if worker.is_ready and not worker.may_listen]
    if not listening:
        return ready or list(workers[:1])
    return ready if all(worker.was_ready for worker in listening) else []
