"""Carries requests over as many connections as it takes, up to a bound, and writes down outcomes."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from goldcrest.loadtest.columns import Columns
from goldcrest.loadtest.connection import (
    CONNECT,
    TIMEOUT,
    UNANSWERED,
    Connection,
    Request,
)
from goldcrest.loadtest.protocols import Protocol

IDLE_S = 4.0
"""Servers close connections that were idle for 5 s; to write at that moment looks like a reset."""
_CHECKED_FIRST, _CHECKED_EACH = 5, 50


@dataclass(frozen=True, slots=True)
class Address:
    """Where connections go; ``name`` is what a certificate must bear."""

    host: str
    port: int
    name: str = ""
    context: ssl.SSLContext | None = field(default=None, compare=False)


@dataclass(slots=True)
class Counts:
    """Of one step."""

    n_waited: int = 0
    n_asked: int = 0


class Pool:
    """Connections to one server; the last one freed is the next one used.

    Args:
        address: of the server.
        asking: its protocol, by which answers are checked: the first few, then one in 50.
        most: connections at once.
        timeout_s: from when a request was due.
        answered: told the outcome of each request that is done, after it was written down.
    """

    def __init__(
        self,
        address: Address,
        asking: Protocol,
        *,
        most: int,
        timeout_s: float,
        answered: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._address, self._asking = address, asking
        self._most, self._timeout_s = most, timeout_s
        self._free: list[Connection] = []
        self._waiting: deque[Request] = deque()
        self._pending: deque[Request] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._n_open = self._n_opening = 0
        self.answered = answered
        self.columns, self.counts = Columns(), Counts()
        self.started = 0.0

    def begin(self, started: float) -> None:
        """Start a new step; what is written down is relative to this moment."""
        self.columns, self.counts, self.started = Columns(), Counts(), started
        self.drop_idle(time.monotonic())

    @property
    def n_in_flight(self) -> int:
        return self.counts.n_asked - self.columns.n_written

    def ask(self, request: Request) -> None:
        """Send a request now, or as soon as there is a connection."""
        counts = self.counts
        counts.n_asked += 1
        request.is_checked = counts.n_asked <= _CHECKED_FIRST or counts.n_asked % _CHECKED_EACH == 0
        self._pending.append(request)
        while self._free:
            connection = self._free.pop()
            if connection.is_open and request.due - connection.idle_since < IDLE_S:
                connection.send(request)
                return
            connection.drop()
        self._waiting.append(request)
        if self._n_open + self._n_opening < self._most:
            self.open_one()
        else:
            counts.n_waited += 1

    def open_one(self) -> None:
        """Begin to open a connection."""
        self._n_opening += 1
        task = asyncio.create_task(self._open())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self) -> None:
        address = self._address
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(self, time.monotonic),
                address.host,
                address.port,
                ssl=address.context,
                server_hostname=address.name if address.context else None,
            )
        except (OSError, ssl.SSLError):
            self._n_opening -= 1
            self._give_up_first()
            return
        self._n_opening -= 1
        self._n_open += 1
        self.freed(connection)

    def _give_up_first(self) -> None:
        request = self._next()
        if request is not None:
            self.done(request, CONNECT)

    def _next(self) -> Request | None:
        while self._waiting:
            request = self._waiting.popleft()
            if not request.is_done:
                return request
        return None

    # What the connections call.

    def done(self, request: Request, outcome: int) -> None:
        """Write down what became of a request."""
        if request.is_done:
            return
        request.is_done = True
        now = time.monotonic()
        self.columns.add(
            due=request.due - self.started,
            latency=now - request.due,
            lag=request.lag,
            label=request.label,
            outcome=outcome,
        )
        self.answered(outcome)

    def freed(self, connection: Connection) -> None:
        """Use a connection for the next request that waits, or keep it."""
        request = self._next()
        if request is None:
            self._free.append(connection)
        else:
            connection.send(request)

    def lost(self, connection: Connection) -> None:
        """Forget a connection, and open one in its place if requests wait."""
        self._n_open -= 1
        if connection in self._free:
            self._free.remove(connection)
        if len(self._waiting) > self._n_opening and self._n_open + self._n_opening < self._most:
            self.open_one()

    def is_answer(self, content: bytes, n_texts: int) -> bool:
        return self._asking.is_answer(content, n_texts)

    # What time brings.

    def expire(self, now: float) -> None:
        """Give up the requests whose time is over; they are in the order in which they were due."""
        pending = self._pending
        while pending and (pending[0].is_done or pending[0].due + self._timeout_s <= now):
            self._abandon(pending.popleft(), TIMEOUT)

    def abandon(self) -> None:
        """Give up all that is under way."""
        while self._pending:
            self._abandon(self._pending.popleft(), UNANSWERED)
        self._waiting.clear()

    def _abandon(self, request: Request, outcome: int) -> None:
        if request.is_done:
            return
        connection = request.connection
        request.connection = None
        self.done(request, outcome)
        if connection is not None:
            connection.drop()

    def drop_idle(self, now: float) -> None:
        """Close connections that a server might be closing just now."""
        old = [one for one in self._free if now - one.idle_since > IDLE_S]
        self._free = [one for one in self._free if now - one.idle_since <= IDLE_S]
        for connection in old:
            connection.drop()

    async def close(self) -> None:
        """Close everything."""
        self.abandon()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in self._free:
            connection.drop()
        await asyncio.sleep(0)


async def resolve(host: str, port: int, *, is_tls: bool) -> Address:
    """Find the address of a host, once, so that no request waits for it.

    Raises:
        OSError: there is no such host.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    numeric = str(found[0][4][0])
    return Address(numeric, port, host, ssl.create_default_context() if is_tls else None)
