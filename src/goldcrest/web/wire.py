"""uvicorn's HTTP protocol, but each answer leaves in one call, and heads of requests are bounded.

uvicorn writes the head of an answer and its body one after the other, and each is a system call
and a packet of its own: for short answers that is a tenth of all the processor time they take.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_AT_ONCE = 65_536
"""Bytes that are not held back, so that flow control sees them."""

MOST_HEAD_BYTES = 65_536
"""Of a request's first line and headers; the parser keeps them all before anybody is asked."""


class Gathering:
    """A transport that writes at the end of the turn; everything else it leaves to another.

    Args:
        transport: does the work.
        loop: whose turns are meant.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._held: list[bytes | memoryview] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes | memoryview) -> None:
        """Write this after what is held, soon; at once if it is much."""
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)
        if len(data) >= _AT_ONCE:
            self._flush()

    def close(self) -> None:
        """Write what is held, then close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        held, self._held = self._held, []
        if held and not self._transport.is_closing():
            self._transport.writelines(held)


class GatheringProtocol(HttpToolsProtocol):
    """One connection."""

    _is_in_head, _n_head_bytes = True, 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Put the gathering in between."""
        super().connection_made(Gathering(transport, self.loop))  # type: ignore[arg-type]  # all that is called is there

    def data_received(self, data: bytes) -> None:
        """Parse; refuse a head that does not come to its end."""
        if self._is_in_head:
            self._n_head_bytes += len(data)
        super().data_received(data)
        is_endless = self._is_in_head and self._n_head_bytes > MOST_HEAD_BYTES
        if is_endless and not self.transport.is_closing():
            self.send_400_response(f"The headers are longer than {MOST_HEAD_BYTES} bytes.")

    def on_headers_complete(self) -> None:
        """The rest is body, which has limits of its own."""
        self._is_in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The next request begins."""
        self._is_in_head, self._n_head_bytes = True, 0
        super().on_message_complete()
