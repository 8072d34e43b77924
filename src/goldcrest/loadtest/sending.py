"""Sends the requests of one step: at their moments, or as soon as answers come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from goldcrest.loadtest.connection import CONNECT, Request
from goldcrest.loadtest.pool import Pool
from goldcrest.loadtest.stock import Stock
from goldcrest.loadtest.ticking import Alarm, alarm

_SWEEP_S = 0.02
_RECONNECT_S = 0.1
_BURST = 64
"""Requests that leave one after the other; then answers are read, so that these are not late."""


class Step:
    """One step: requests leave until it ends, then what is under way is waited for.

    Args:
        pool: that carries them; ``begin`` was called.
        ends: the moment past which no request is due.
        patience_s: how long answers are waited for after that.

    Attributes:
        wall_s: that requests were sent for, once all are.
        cpu_s: processor time meanwhile.
    """

    def __init__(self, pool: Pool, *, ends: float, patience_s: float) -> None:
        self._pool, self._ends, self._patience_s = pool, ends, patience_s
        self._loop = asyncio.get_running_loop()
        self._sent = asyncio.Event()
        self._began = (time.monotonic(), time.process_time())
        self.wall_s = self.cpu_s = 0.0

    def stop(self) -> None:
        """Send nothing more."""
        self._sent.set()

    async def open_loop(self, stock: Stock) -> None:
        """Send each request when it is due, whatever became of the others."""
        sender = _Sender(self._pool, stock, self._sent)
        await self._run(sender.close)

    async def closed_loop(self, clients: int, make: Callable[[float], Request]) -> None:
        """Let each client send its next request when it has the answer to the last.

        Args:
            clients: at once.
            make: the next request, due at the given moment.
        """

        def ask() -> None:
            now = time.monotonic()
            if now < self._ends and not self._sent.is_set():
                self._pool.ask(make(now))

        def ask_soon(outcome: int) -> None:
            if outcome == CONNECT:  # at once would mean a busy loop
                self._loop.call_later(_RECONNECT_S, ask)
            else:  # not from within the answer, when its connection is not free yet
                self._loop.call_soon(ask)

        self._pool.answered = ask_soon
        self._loop.call_later(max(0.0, self._ends - time.monotonic()), self._sent.set)
        for _ in range(clients):
            ask()
        await self._run(lambda: None)
        self._pool.answered = lambda _: None

    async def _run(self, close: Callable[[], None]) -> None:
        sweeper = asyncio.create_task(self._sweep())
        try:
            await self._sent.wait()
            close()
            # The wait for the last answers is left out: it would make a busy client look idle.
            self.wall_s = time.monotonic() - self._began[0]
            self.cpu_s = time.process_time() - self._began[1]
            await asyncio.wait([sweeper], timeout=self._patience_s)
        finally:
            close()
            sweeper.cancel()
            self._pool.abandon()

    async def _sweep(self) -> None:
        while self._pool.n_in_flight or not self._sent.is_set():
            self._pool.expire(time.monotonic())
            await asyncio.sleep(_SWEEP_S)


class _Sender:
    """Sends what is due whenever its alarm rings."""

    def __init__(self, pool: Pool, stock: Stock, sent: asyncio.Event) -> None:
        self._pool, self._stock, self._sent = pool, stock, sent
        self._loop = asyncio.get_running_loop()
        self._alarm: Alarm | None = alarm(self._loop, self._ring)
        self._ring()

    def close(self) -> None:
        """Send nothing more; harmless the second time."""
        if self._alarm is not None:
            self._alarm.close()
            self._alarm = None

    def _ring(self) -> None:
        if self._alarm is None:
            return
        stock, n_burst = self._stock, 0
        while (due := stock.due()) is not None:
            now = time.monotonic()
            if due > now:
                self._alarm.at(due)
                return
            if n_burst == _BURST:
                self._loop.call_soon(self._ring)
                return
            request = stock.take()
            request.lag = now - due
            self._pool.ask(request)
            n_burst += 1
        self._sent.set()
