"""The caller's side of a request: its body, and whether it is still there."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from itertools import takewhile
from typing import Any, TypeVar

from starlette.types import Receive

from goldcrest.errors import BodyTooLarge, BodyTooSlow
from goldcrest.serving.room import Room
from goldcrest.web.visits import Visit

T = TypeVar("T")
_PATIENCE = 8
"""How many times the limit is read before the connection is closed on a caller."""


class CallerGone(Exception):
    """Nobody is left to answer to."""


def declared_bytes(headers: Mapping[bytes, bytes]) -> int:
    """How long the body will be, as the caller says; 0 where it does not."""
    declared = headers.get(b"content-length", b"")
    return int(declared) if declared.isdigit() else 0


async def read_body(
    receive: Receive, visit: Visit, room: Room, *, n_declared: int, limit: int
) -> bytes:
    """Read the whole body, but never keep more than ``limit`` bytes and one chunk.

    What is too large is read on and thrown away, within reason: a caller who is still sending
    when the connection closes sees a broken pipe instead of the refusal.

    Args:
        receive: gives it chunk by chunk.
        visit: notes how much is held.
        room: where it is held.
        n_declared: how long it will be, as the caller says.
        limit: how long it may be.

    Raises:
        BodyTooLarge: by what the header declares, or by what came in.
        Overloaded: there is no room for it.
        CallerGone: the caller left before the end.
    """
    chunks: list[bytes] = []
    n_bytes, is_more = 0, n_declared <= limit * _PATIENCE
    while is_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerGone
        chunk = message.get("body", b"")
        n_bytes += len(chunk)
        if n_bytes <= limit and n_declared <= limit:
            room.hold(len(chunk))
            visit.n_bytes += len(chunk)
            chunks.append(chunk)
        is_more = message.get("more_body", False) and n_bytes <= limit * _PATIENCE
    if n_bytes > limit or n_declared > limit:
        raise BodyTooLarge(max(n_bytes, n_declared), limit)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


class Patience:
    """Ends the reading of bodies that do not come; one timer serves them all.

    Args:
        limit_s: how long one may take; up to a fourth more may pass.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s, self._period_s = limit_s, min(1.0, limit_s / 4)
        self._is_ticking = False
        self._begun: dict[asyncio.Task[Any], float] = {}  # in the order of time
        self._ended: set[asyncio.Task[Any]] = set()

    async def kept(self, reading: Coroutine[Any, Any, T]) -> T:
        """Await the body, but not for ever.

        Raises:
            BodyTooSlow: it was not there in time.
        """
        worker, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert worker is not None  # noqa: S101  # a coroutine that runs is in a task
        self._begun[worker] = loop.time()
        if not self._is_ticking:
            self._is_ticking = True
            loop.call_later(self._period_s, self._tick, loop)
        try:
            return await reading
        except asyncio.CancelledError:
            if worker not in self._ended:
                raise
            worker.uncancel()
            raise BodyTooSlow(self._limit_s) from None
        finally:
            self._begun.pop(worker, None)
            self._ended.discard(worker)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        before = loop.time() - self._limit_s
        late = list(takewhile(lambda worker: self._begun[worker] < before, self._begun))
        for worker in late:
            del self._begun[worker]
            self._ended.add(worker)
            worker.cancel()
        self._is_ticking = bool(self._begun)
        if self._is_ticking:
            loop.call_later(self._period_s, self._tick, loop)


class Attendance:
    """Cancels work whose caller leaves.

    To learn that a caller left, somebody must wait for the word, and a task that does costs as
    much as the rest of a short request. So a request is given one only once it has lasted a while:
    between one and two periods.

    Args:
        period_s: how often it is looked which requests still run.
    """

    def __init__(self, period_s: float = 0.05) -> None:
        self._period_s = period_s
        self._is_ticking = False
        self._new: dict[asyncio.Task[Any], Receive] = {}
        self._old: dict[asyncio.Task[Any], Receive] = {}
        self._watches: dict[asyncio.Task[Any], asyncio.Task[None]] = {}

    async def attended(self, work: Coroutine[Any, Any, T], receive: Receive) -> T:
        """Await the work, but cancel it when the caller leaves.

        Raises:
            CallerGone: the caller left first.
        """
        worker = asyncio.current_task()
        assert worker is not None  # noqa: S101  # a coroutine that runs is in a task
        self._new[worker] = receive
        if not self._is_ticking:
            self._tick_later()
        try:
            return await work
        except asyncio.CancelledError:
            watch = self._watches.get(worker)
            if watch is not None and watch.done() and not watch.cancelled():
                worker.uncancel()
                raise CallerGone from None
            raise
        finally:
            self._forget(worker)

    def _tick_later(self) -> None:
        self._is_ticking = True
        asyncio.get_running_loop().call_later(self._period_s, self._tick)

    def _tick(self) -> None:
        for worker, receive in self._old.items():
            self._watches[worker] = asyncio.create_task(_cancel_when_gone(worker, receive))
        self._old, self._new = self._new, {}
        self._is_ticking = False
        if self._old:
            self._tick_later()

    def _forget(self, worker: asyncio.Task[Any]) -> None:
        if self._new.pop(worker, None) is None:
            self._old.pop(worker, None)
            if watch := self._watches.pop(worker, None):
                watch.cancel()


async def _cancel_when_gone(worker: asyncio.Task[Any], receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    worker.cancel()
