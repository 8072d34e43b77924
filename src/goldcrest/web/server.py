"""Runs the application until a signal, and drains before it ends."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from math import ceil
from types import FrameType
from typing import Any, Literal, TypeVar

import uvicorn
import uvloop
from starlette.types import ASGIApp

from goldcrest.config import WebConfig
from goldcrest.errors import ConfigError
from goldcrest.serving.service import Service
from goldcrest.web.gate import Gate
from goldcrest.web.wire import GatheringProtocol

T = TypeVar("T")
_log = logging.getLogger("goldcrest.web")
_HANDLES = 8
"""Of the listener; 300 that connect at once are in after 40 turns of the loop instead of 300."""
_KEEP_ALIVE_S = 75
"""Longer than the 60 s of the usual load balancers, so that they close a connection, never we."""

Ending = Literal["drain", "retire"]
"""How to end while answering what is in flight. Draining, new requests are refused until then, and
the listener stays open, so that health checks see it. Retiring, the listener closes first: another
process takes the connections.
"""


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a uvloop event loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


async def serve(  # noqa: PLR0913  # each is needed, and all but three by name
    app: ASGIApp,
    config: WebConfig,
    service: Service,
    *,
    started: Callable[[str, int], None] | None = None,
    is_over: Callable[[], bool] = lambda: False,
    told: Awaitable[Ending] | None = None,
    shares_port: bool = False,
) -> int:
    """Serve until SIGTERM or SIGINT, or until it is over; then answer what is in flight and return.

    The service may become ready later: until then the server is live and says that it loads.

    Args:
        app: what ``create`` returned.
        config: where to listen, and how long to drain.
        service: is drained at the first signal.
        started: called with host and port once connections are taken.
        is_over: asked ten times a second; once true, the server ends without a drain. So a
            thread can say that nothing is left to serve, at any moment.
        told: gives how to end, as a first signal would tell to drain.
        shares_port: other processes listen on the same port.

    Returns:
        The exit status: 0, or 128 and the number of a second signal, which ends at once.

    Raises:
        ConfigError: the address cannot be listened on.
    """
    with _listener(config, shares_port=shares_port) as listener:
        server = _Server(app, config, service, is_over=is_over)
        if started:
            server.when_started(lambda: started(config.host, listener.getsockname()[1]))
        async with _obeying(server, told):
            await server.serve(sockets=[listener, *_doubles(listener)])
    return 128 + server.forced_by if server.forced_by else 0


@asynccontextmanager
async def _obeying(server: _Server, told: Awaitable[Ending] | None) -> AsyncIterator[None]:
    """End the server when it is told to, as long as it runs."""

    async def obey(told: Awaitable[Ending]) -> None:
        server.end(await told)

    waiting = None if told is None else asyncio.create_task(obey(told))
    try:
        yield
    finally:
        if waiting is not None:
            waiting.cancel()


def _listener(config: WebConfig, *, shares_port: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    address = (config.host, config.port)
    try:
        return socket.create_server(address, family=family, backlog=2048, reuse_port=shares_port)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {config.host} port {config.port}: {error.strerror or error}"
        ) from error


def _doubles(listener: socket.socket) -> list[socket.socket]:
    """More handles of a listener: uvloop accepts one connection for each in a turn of its loop.

    Under load a turn is long, and of a hundred that come at once the last would wait for a hundred
    turns. The server closes them.
    """
    return [listener.dup() for _ in range(_HANDLES - 1)]


class _Server(uvicorn.Server):
    """uvicorn's server with a drain before its shutdown.

    At the first signal the service takes nothing new, and what is in flight is answered for up to
    ``drain_s``; the listener stays open meanwhile, so that health checks see the change. Then
    uvicorn closes listener and connections. It is not told of the signal, because it would raise
    it again at the end and the process would not exit with 0.
    """

    def __init__(
        self, app: ASGIApp, config: WebConfig, service: Service, *, is_over: Callable[[], bool]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        super().__init__(_uvicorn_config(app, config, Gate(self._loop)))
        self._service, self._drain_s = service, config.drain_s
        self._when_started: Callable[[], None] = lambda: None
        self._is_over = is_over
        self._drain: asyncio.Task[None] | None = None
        self._is_ending = False
        self.forced_by = 0

    def when_started(self, call: Callable[[], None]) -> None:
        self._when_started = call

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, then say so."""
        await super().startup(sockets)
        self._when_started()

    async def on_tick(self, counter: int) -> bool:
        """Go on unless told to end, or nothing is left to serve."""
        return await super().on_tick(counter) or self._is_over()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # uvicorn's
        """Begin to drain at the first signal; at the second, end."""
        if self._is_ending:
            self.forced_by = sig
            self.force_exit = self.should_exit = True
        else:
            self._is_ending = True
            self._loop.call_soon_threadsafe(self._begin_drain, signal.Signals(sig).name)

    def end(self, ending: Ending) -> None:
        """Begin to end, unless that has begun already."""
        if self._is_ending:
            return
        self._is_ending = True
        if ending == "drain":
            self._begin_drain("told to end")
        else:
            self._retire()

    def _retire(self) -> None:
        """Leave it to uvicorn: it closes the listener, and each connection after its answer."""
        _log.info("another takes over: answering %d requests", self._service.n_in_flight)
        self.config.timeout_graceful_shutdown = ceil(self._drain_s)
        self.should_exit = True

    def _begin_drain(self, why: str) -> None:
        _log.info("%s: answering %d requests", why, self._service.n_in_flight)
        self._service.drain()
        self._drain = asyncio.create_task(self._finish())

    async def _finish(self) -> None:
        begun = self._loop.time()
        try:
            async with asyncio.timeout(self._drain_s):
                await self._service.drained()
        except TimeoutError:
            _log.warning("%d requests were cut off", self._service.n_in_flight)
        left = self._drain_s - (self._loop.time() - begun)
        self.config.timeout_graceful_shutdown = max(0, ceil(left))
        self.should_exit = True


def _uvicorn_config(app: ASGIApp, config: WebConfig, gate: Gate) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=config.host,
        port=config.port,
        loop="uvloop",
        http=partial(GatheringProtocol, read_s=config.read_s, gate=gate),  # type: ignore[arg-type]  # all that is called is there
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,  # ours says more
        proxy_headers=False,
        server_header=False,
        forwarded_allow_ips="",  # given, so that no environment variable is read
        workers=1,  # likewise
        timeout_keep_alive=_KEEP_ALIVE_S,
    )
