"""One kept HTTP/1.1 connection of the load generator, and the requests that it carries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

import httptools

TIMEOUT, RESET, CONNECT, MALFORMED, UNANSWERED = -1, -2, -3, -4, -5
FAILURES = {
    TIMEOUT: "timeout",
    RESET: "reset",
    CONNECT: "connect",
    MALFORMED: "malformed",
    UNANSWERED: "unanswered",
}
REFUSED = 1000
"""Added to a status that says: not now, come back later."""
OK = 0
"""The outcome of a good answer; that of any other is its status."""


class Request:
    """A request, from when it is due to its outcome.

    Attributes:
        content: as it is written.
        due: when it is meant to leave, on the monotonic clock.
        label: a number for its class.
        n_texts: that it asks about.
        is_checked: whether its answer is looked into.
        connection: that carries it, once one does.
    """

    __slots__ = ("connection", "content", "due", "is_checked", "is_done", "label", "lag", "n_texts")

    def __init__(self, content: bytes, due: float, label: int, n_texts: int) -> None:
        self.content, self.due, self.label, self.n_texts = content, due, label, n_texts
        self.lag = 0.0
        self.is_checked = self.is_done = False
        self.connection: Connection | None = None


class Owner(Protocol):
    """Who has connections: told of what becomes of them and of their requests."""

    def done(self, request: Request, outcome: int) -> None: ...

    def freed(self, connection: Connection) -> None: ...

    def lost(self, connection: Connection) -> None: ...

    def is_answer(self, content: bytes, n_texts: int) -> bool: ...


class Connection(asyncio.Protocol):
    """Carries one request at a time.

    Args:
        owner: of this connection.
        clock: seconds, for how long the connection has been idle.
    """

    def __init__(self, owner: Owner, clock: Callable[[], float]) -> None:
        self._owner, self._clock = owner, clock
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._request: Request | None = None
        self._chunks: list[bytes] = []
        self._may_retry_later = False
        self.idle_since = 0.0

    def send(self, request: Request) -> None:
        """Write a request; the connection must be free."""
        self._request, request.connection = request, self
        cast("asyncio.Transport", self._transport).write(request.content)

    def drop(self) -> None:
        """Close without waiting for anything; its request, if any, is the caller's affair."""
        self._request = None
        cast("asyncio.Transport", self._transport).abort()

    @property
    def is_open(self) -> bool:
        transport = self._transport
        return transport is not None and not transport.is_closing()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail(MALFORMED)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._request is not None:
            self._fail(RESET)
        self._owner.lost(self)

    # What the parser calls.

    def on_message_begin(self) -> None:
        self._chunks.clear()
        self._may_retry_later = False

    def on_header(self, name: bytes, _: bytes) -> None:
        if len(name) == 11 and name.lower() == b"retry-after":
            self._may_retry_later = True

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)

    def on_message_complete(self) -> None:
        request, status = self._request, self._parser.get_status_code()
        if request is None or status < 200:  # nobody asked, or more is to come
            return
        self._request = request.connection = None
        self._owner.done(request, self._outcome(request, status))
        if self._parser.should_keep_alive():
            self.idle_since = self._clock()
            self._owner.freed(self)
        else:
            cast("asyncio.Transport", self._transport).close()

    def _outcome(self, request: Request, status: int) -> int:
        if status == 200:
            is_good = not request.is_checked or self._owner.is_answer(
                b"".join(self._chunks), request.n_texts
            )
            return OK if is_good else MALFORMED
        if status == 429 or (status == 503 and self._may_retry_later):
            return REFUSED + status
        return status

    def _fail(self, outcome: int) -> None:
        request, self._request = self._request, None
        if request is not None:
            request.connection = None
            self._owner.done(request, outcome)
        if self._transport is not None:
            self._transport.abort()
