"""uvicorn's HTTP protocol, but what is written in one turn of the event loop leaves in one call.

uvicorn writes the head of an answer and its body one after the other, and each is a system call
and a packet of its own: for short answers that is a tenth of all the processor time they take.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_AT_ONCE = 65_536
"""Bytes that are not held back, so that flow control sees them."""


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

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Put the gathering in between."""
        super().connection_made(Gathering(transport, self.loop))  # type: ignore[arg-type]  # all that is called is there
