"""Runs the application until a signal, and drains before it ends."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Coroutine
from math import ceil
from types import FrameType
from typing import Any, TypeVar

import uvicorn
import uvloop
from starlette.types import ASGIApp

from goldcrest.config import WebConfig
from goldcrest.errors import ConfigError
from goldcrest.serving.service import Service
from goldcrest.web.wire import GatheringProtocol

T = TypeVar("T")
_log = logging.getLogger("goldcrest.web")
_KEEP_ALIVE_S = 75
"""Longer than the 60 s of the usual load balancers, so that they close a connection, never we."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a uvloop event loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


async def serve(
    app: ASGIApp,
    config: WebConfig,
    service: Service,
    *,
    started: Callable[[str, int], None] | None = None,
    is_over: Callable[[], bool] = lambda: False,
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

    Returns:
        The exit status: 0, or 128 and the number of a second signal, which ends at once.

    Raises:
        ConfigError: the address cannot be listened on.
    """
    with _listener(config) as listener:
        server = _Server(app, config, service, is_over=is_over)
        if started:
            server.when_started(lambda: started(config.host, listener.getsockname()[1]))
        await server.serve(sockets=[listener])
    return 128 + server.forced_by if server.forced_by else 0


def _listener(config: WebConfig) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        return socket.create_server((config.host, config.port), family=family, backlog=2048)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {config.host} port {config.port}: {error.strerror or error}"
        ) from error


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
        super().__init__(_uvicorn_config(app, config))
        self._service, self._drain_s = service, config.drain_s
        self._loop = asyncio.get_running_loop()
        self._when_started: Callable[[], None] = lambda: None
        self._is_over = is_over
        self._drain: asyncio.Task[None] | None = None
        self._is_told = False
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
        if self._is_told:
            self.forced_by = sig
            self.force_exit = self.should_exit = True
        else:
            self._is_told = True
            self._loop.call_soon_threadsafe(self._begin_drain, sig)

    def _begin_drain(self, sig: int) -> None:
        _log.info("%s: answering %d requests", signal.Signals(sig).name, self._service.n_in_flight)
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


def _uvicorn_config(app: ASGIApp, config: WebConfig) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=config.host,
        port=config.port,
        loop="uvloop",
        http=GatheringProtocol,
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
