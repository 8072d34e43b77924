"""uvicorn's HTTP protocol, with a gate where requests begin, one write an answer, and no endless wait.

uvicorn writes the head of an answer and its body one after the other, and each is a system call
and a packet of its own: for short answers that is a tenth of all the processor time they take.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from goldcrest.web.gate import Gate
from goldcrest.web.response import Response
from goldcrest.web.route import finished
from goldcrest.web.visits import ARRIVED, WHOLE

_AT_ONCE = 65_536
"""Bytes that are not held back, so that flow control sees them."""

_FIRST_BYTES = 16_384
"""Read at once from a new connection."""

MOST_HEAD_BYTES = 65_536
"""Of a request's first line and headers; the parser keeps them all before anybody is asked."""
MOST_PIPELINED = 100
"""Requests of one connection that may wait for the answer of another."""


_Doorman = Callable[[Scope], Response | None]


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
            self._loop.call_soon(self.flush)
        self._held.append(data)
        if len(data) >= _AT_ONCE:
            self.flush()

    def close(self) -> None:
        """Write what is held, then close."""
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Write what is held now: at the end of a long turn it would be late."""
        held, self._held = self._held, []
        if held and not self._transport.is_closing():
            self._transport.writelines(held)


class GatheringProtocol(HttpToolsProtocol):
    """One connection.

    Args:
        read_s: how long a head may take to come, and an answer may stand still on its way out.
        gate: where requests of all connections begin.
        given: what uvicorn gives.
    """

    _is_in_head, _n_head_bytes = True, 0
    _head_timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None
    _running: RequestResponseCycle | None = None

    def __init__(self, *, read_s: float = 30.0, gate: Gate, **given: Any) -> None:
        super().__init__(**given)
        self._read_s, self._gate = read_s, gate
        self._let_in: _Doorman = getattr(self.app, "let_in", _let_pass)
        self._turn_away: _Doorman = getattr(self.app, "turn_away", _let_pass)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Put the gathering in between; who never says anything is idle, as between requests."""
        super().connection_made(Gathering(transport, self.loop))  # type: ignore[arg-type]  # all that is called is there
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )
        self._read_first()

    def _read_first(self) -> None:
        """Take what came with the connection, as a probe's request does, not in the next turn."""
        socket = self.transport.get_extra_info("socket")
        if socket is None or self.scheme != "http":
            return
        try:
            first = os.read(socket.fileno(), _FIRST_BYTES)
        except OSError:  # nothing is there yet, or the caller has gone, which is told soon
            return
        if first:
            self.data_received(first)
        if self.flow.read_paused:  # by a second request; but reading has yet to begin
            self.loop.call_soon(self._pause_again)

    def _pause_again(self) -> None:
        if self.flow.read_paused:
            self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request that runs; uvicorn tells only the last that came."""
        self._stop_timers()
        running = self._running
        if running is not None and not running.response_complete:
            running.disconnected = True
            running.message_event.set()
        super().connection_lost(exc)
        # A request knows its connection: if that went on knowing its last one, only the collector of
        # garbage would find them, and it holds everybody up.
        self._running = self.cycle = None  # type: ignore[assignment]  # as before the first
        self.pipeline.clear()

    def data_received(self, data: bytes) -> None:
        """Parse; refuse a head that does not come to its end."""
        if self._is_in_head:
            self._n_head_bytes += len(data)
        super().data_received(data)
        if not self._is_in_head:
            self._await_rest()
        elif self._n_head_bytes:
            self._await_head()

    def on_headers_complete(self) -> None:
        """The rest is body, which has limits of its own."""
        self._is_in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        self.scope[ARRIVED] = perf_counter()  # type: ignore[literal-required]  # a note of ours
        super().on_headers_complete()
        if len(self.pipeline) > MOST_PIPELINED:
            self.transport.close()

    def on_message_complete(self) -> None:
        """The next request begins."""
        self._is_in_head, self._n_head_bytes = True, 0
        self.scope[WHOLE] = True  # type: ignore[literal-required]  # a note of ours
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Look from time to time whether the caller still takes its answer."""
        super().pause_writing()
        self._watch_writing()

    def resume_writing(self) -> None:
        """It did."""
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Answer at once what need not wait or is not let in; begin a task for all else."""
        self._running = cycle
        answer = None if self.flow.write_paused else self._let_in(cycle.scope)  # type: ignore[arg-type]  # a scope
        if answer is None:
            start = partial(super()._start_asgi_task, cycle, app)
            self._gate.begin(start, partial(self._refuse, cycle, start))
        else:
            self._answer(cycle, answer)

    def _refuse(self, cycle: RequestResponseCycle, start: Callable[[], None]) -> None:
        """Turn away a request that was let in; begin one that nobody can refuse."""
        answer = None if self.flow.write_paused else self._turn_away(cycle.scope)  # type: ignore[arg-type]  # a scope
        if answer is None:
            start()
        else:
            self._answer(cycle, answer)

    def _answer(self, cycle: RequestResponseCycle, answer: Response) -> None:
        finished(answer.send(cycle.send))  # type: ignore[arg-type]  # what is sent is right
        self.transport.flush()  # type: ignore[attr-defined]  # it is ours

    def _await_head(self) -> None:
        """Part of a head is here: the rest must come soon, and must not be long."""
        if self._n_head_bytes > MOST_HEAD_BYTES:
            if not self.transport.is_closing():
                self.send_400_response(f"The headers are longer than {MOST_HEAD_BYTES} bytes.")
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self._read_s, self._give_up_head)

    def _await_rest(self) -> None:
        """Nobody reads a body that was answered before its end: it must come soon all the same."""
        running = self._running
        if running is not None and running is self.cycle and running.response_complete:
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self._read_s, self.timeout_keep_alive_handler
            )

    def _give_up_head(self) -> None:
        self._head_timer = None
        if self._running is not None and not self._running.response_complete:
            self._await_head()  # it came early: the answer to the one before goes first
        elif not self.transport.is_closing():
            text = f"The headers were not all here after {self._read_s:g} s.".encode()
            self.transport.write(_TOO_SLOW % (len(text), text))
            self.transport.close()

    def _watch_writing(self, n_before: int | None = None) -> None:
        n_left = self.transport.get_write_buffer_size()
        if n_before is not None and n_left >= n_before:
            self.transport.abort()
        else:
            self._write_timer = self.loop.call_later(self._read_s, self._watch_writing, n_left)

    def _stop_timers(self) -> None:
        for timer in (self._head_timer, self._write_timer, self.timeout_keep_alive_task):
            if timer is not None:
                timer.cancel()


_TOO_SLOW = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%b"
)


def _let_pass(_: Scope) -> None:
    """An application that is not ours lets everything in, and turns nothing away."""
