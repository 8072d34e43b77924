"""The gRPC door of a server, where the settings open one."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from goldcrest.config import RpcConfig
from goldcrest.errors import ConfigError
from goldcrest.serving.keys import Keys
from goldcrest.serving.room import Room
from goldcrest.serving.service import Service

_log = logging.getLogger("goldcrest")


@asynccontextmanager
async def rpc_open(  # noqa: PLR0913  # each is needed, and all but three by name
    config: RpcConfig,
    service: Service,
    keys: Keys,
    *,
    version: str,
    count: Callable[[str, str], None] = lambda _method, _code: None,
    is_logged: bool = False,
    shares_port: bool = False,
    grace_s: Callable[[], float] = lambda: 1.0,
) -> AsyncIterator[None]:
    """Listen for gRPC while the context lasts, if there is a port for it.

    Args:
        config: where to listen.
        service: drained by whoever ends the context.
        keys: those that callers must show.
        version: of the server.
        count: is told the method and the code of every call.
        is_logged: whether each has a line in the access log.
        shares_port: other processes listen on the same port.
        grace_s: asked at the end: how long calls that still run may take.

    Raises:
        ConfigError: grpcio is not installed, or the address cannot be listened on.
    """
    if not config.port:
        yield
        return
    try:
        from goldcrest.rpc.methods import Door
        from goldcrest.rpc.server import listening
        from goldcrest.rpc.visits import Visits
    except ImportError as error:
        raise ConfigError(
            f"rpc.port = {config.port} needs the extra grpc: pip install 'goldcrest[grpc]'"
        ) from error
    door = Door(
        service=service,
        keys=keys,
        version=version,
        max_items=config.max_items,
        room=Room(config.max_requests, config.max_held_bytes),
        visits=Visits(count, is_logged),
    )
    async with listening(config, door, shares_port=shares_port, grace_s=grace_s) as port:
        _log.info("listening on grpc://%s:%d", config.host, port)
        yield
