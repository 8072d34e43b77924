"""Tickets: what a caller holds while its jobs wait, and how answers find their way back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from typing import Protocol

from goldcrest.values import Floats


class _Promise(Protocol):
    """What the futures of asyncio and of threads have in common."""

    def done(self) -> bool: ...
    def set_result(self, result: list[Floats], /) -> None: ...
    def set_exception(self, exception: BaseException, /) -> None: ...


class Ticket:
    """The jobs of one submission: settled once, when the last is answered or the first fails.

    Args:
        n_jobs: answers to wait for.
        future: where the outcome goes; of asyncio if ``loop`` is given.
        loop: the event loop to which the future belongs.
    """

    __slots__ = ("_answers", "_error", "_future", "_n_left", "loop")

    def __init__(
        self,
        n_jobs: int,
        future: asyncio.Future[list[Floats]] | Future[list[Floats]],
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        self.loop = loop
        self._future: _Promise = future
        self._answers: list[Floats | None] = [None] * n_jobs
        self._n_left = n_jobs
        self._error: BaseException | None = None

    @property
    def n_jobs(self) -> int:
        return len(self._answers)

    def note(self, place: int, outcome: Floats | BaseException) -> bool:
        """Note what became of one job; returns whether that settles the ticket."""
        if self._error is not None:
            return False
        if isinstance(outcome, BaseException):
            self._error = outcome
            return True
        self._answers[place] = outcome
        self._n_left -= 1
        return self._n_left == 0

    def settle(self) -> None:
        """Hand the outcome over, unless the caller has gone; on the loop's thread if it has one."""
        if self._future.done():
            return
        if self._error is not None:
            self._future.set_exception(self._error)
        else:
            self._future.set_result([answer for answer in self._answers if answer is not None])


_AT_ONCE = 4
"""Tickets that are settled in one turn of an event loop: each wakes a request that is then answered,
and what arrives meanwhile, a probe or a request to refuse, should not wait for a whole grid of them."""


def deliver(tickets: Iterable[Ticket]) -> None:
    """Hand over settled tickets from an engine's thread, waking each event loop once."""
    by_loop: dict[asyncio.AbstractEventLoop | None, list[Ticket]] = {}
    for ticket in tickets:
        by_loop.setdefault(ticket.loop, []).append(ticket)
    for loop, group in by_loop.items():
        if loop is None:
            _settle(group)
        else:
            with suppress(RuntimeError):  # the loop is closed, and its callers with it
                loop.call_soon_threadsafe(_settle_some, loop, group)


def _settle_some(loop: asyncio.AbstractEventLoop, tickets: list[Ticket]) -> None:
    _settle(tickets[:_AT_ONCE])
    if len(tickets) > _AT_ONCE:
        loop.call_soon(_settle_some, loop, tickets[_AT_ONCE:])


def _settle(tickets: list[Ticket]) -> None:
    for ticket in tickets:
        ticket.settle()
