"""How a connection begins its requests: at once, at the gate, and never while its caller cannot read."""

from __future__ import annotations

import asyncio
import gc
import socket
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from goldcrest.web.response import Response
from goldcrest.web.wire import GatheringProtocol

FIRST = b"GET /first HTTP/1.1\r\nhost: us\r\n\r\n"
SECOND = b"GET /second HTTP/1.1\r\nhost: us\r\n\r\n"


class App:
    """Answers "/first" at once if it may, and turns everything away."""

    def __init__(self, *, is_instant: bool) -> None:
        self._is_instant = is_instant

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    def let_in(self, _: Scope) -> Response | None:
        return Response(b"now") if self._is_instant else None

    def turn_away(self, _: Scope) -> Response | None:
        return Response(b"late", 429)


@dataclass
class Held:
    """A gate that begins nothing of its own accord."""

    given: list[tuple[Callable[[], None], Callable[[], None]]] = field(default_factory=list)

    def begin(self, start: Callable[[], None], turn_away: Callable[[], None]) -> None:
        self.given.append((start, turn_away))


@dataclass
class Wire:
    """A transport over a real socket that keeps what it is told."""

    socket: socket.socket
    written: bytes = b""
    n_pauses: int = 0
    is_closed: bool = False

    def get_extra_info(self, name: str) -> Any:
        return self.socket if name == "socket" else None

    def is_closing(self) -> bool:
        return self.is_closed

    def pause_reading(self) -> None:
        self.n_pauses += 1

    def resume_reading(self) -> None:
        pass

    def close(self) -> None:
        self.is_closed = True

    def get_write_buffer_size(self) -> int:
        return 0

    def writelines(self, parts: list[bytes]) -> None:
        self.written += b"".join(parts)


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    near.setblocking(False)
    with near, far:
        yield near, far


def protocol(gate: Held, *, is_instant: bool = False) -> GatheringProtocol:
    app = App(is_instant=is_instant)
    config = uvicorn.Config(app, interface="asgi3", proxy_headers=False, log_config=None)
    config.load()
    return GatheringProtocol(
        config=config,
        server_state=ServerState(),
        app_state={},
        gate=gate,  # type: ignore[arg-type]  # all that is called is there
    )


async def test_what_came_with_a_connection_is_answered_when_it_is_accepted(sockets: Any) -> None:
    wire = Wire(sockets[0])
    sockets[1].sendall(FIRST)

    protocol(Held(), is_instant=True).connection_made(wire)  # type: ignore[arg-type]  # as one

    assert wire.written.endswith(b"now")


async def test_a_connection_with_nothing_to_read_yet_is_left_alone(sockets: Any) -> None:
    wire, gate = Wire(sockets[0]), Held()

    protocol(gate).connection_made(wire)  # type: ignore[arg-type]  # as one

    assert (b"", []) == (wire.written, gate.given)


async def test_reading_stays_paused_where_two_requests_came_with_the_connection(
    sockets: Any,
) -> None:
    """A transport forgets what it is told before it begins to read."""
    wire = Wire(sockets[0])
    sockets[1].sendall(FIRST + SECOND)

    protocol(Held()).connection_made(wire)  # type: ignore[arg-type]  # as one
    before_reading_begins, wire.n_pauses = wire.n_pauses, 0
    await asyncio.sleep(0)

    assert (1, 1) == (before_reading_begins, wire.n_pauses)


async def test_who_is_turned_away_is_told_so(sockets: Any) -> None:
    wire, gate = Wire(sockets[0]), Held()
    sockets[1].sendall(FIRST)
    protocol(gate).connection_made(wire)  # type: ignore[arg-type]  # as one
    _, turn_away = gate.given[0]

    turn_away()

    assert b" 429 " in wire.written.partition(b"\r\n")[0]
    assert wire.written.endswith(b"late")


async def test_nobody_is_turned_away_while_he_does_not_read(sockets: Any) -> None:
    """The refusal would wait for him, where nothing may wait; a task may."""
    wire, gate = Wire(sockets[0]), Held()
    sockets[1].sendall(FIRST)
    made = protocol(gate)
    made.connection_made(wire)  # type: ignore[arg-type]  # as one
    made.pause_writing()
    _, turn_away = gate.given[0]

    turn_away()

    assert (b"", 1) == (wire.written, len(made.tasks))
    made.connection_lost(None)
    await asyncio.gather(*made.tasks)


@pytest.mark.parametrize("is_instant", [True, False])
async def test_a_connection_that_is_lost_leaves_nothing_to_the_garbage_collector(
    sockets: Any, is_instant: bool
) -> None:
    """Answered before its caller left, or turned away after that."""
    wire, gate = Wire(sockets[0]), Held()
    sockets[1].sendall(FIRST)
    connection = protocol(gate, is_instant=is_instant)
    connection.connection_made(wire)  # type: ignore[arg-type]  # as one
    gc.disable()
    try:
        connection.connection_lost(None)
        while gate.given:
            gate.given.pop()[1]()
        await asyncio.sleep(0)
        left = weakref.ref(connection)
        del connection
    finally:
        gc.enable()

    assert left() is None
