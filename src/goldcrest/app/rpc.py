"""The gRPC door of a server, where the settings open one."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from goldcrest.config import RpcConfig
from goldcrest.errors import ConfigError
from goldcrest.serving.keys import Keys
from goldcrest.serving.service import Service

_log = logging.getLogger("goldcrest")


@asynccontextmanager
async def rpc_open(
    config: RpcConfig, service: Service, keys: Keys, *, version: str
) -> AsyncIterator[None]:
    """Listen for gRPC while the context lasts, if there is a port for it.

    Args:
        config: where to listen.
        service: drained by whoever ends the context.
        keys: those that callers must show.
        version: of the server.

    Raises:
        ConfigError: grpcio is not installed, or the address cannot be listened on.
    """
    if not config.port:
        yield
        return
    try:
        from goldcrest.rpc.methods import Door
        from goldcrest.rpc.server import listening
    except ImportError as error:
        raise ConfigError(
            f"rpc.port = {config.port} needs the extra grpc: pip install 'goldcrest[grpc]'"
        ) from error
    door = Door(service=service, keys=keys, version=version, max_items=config.max_items)
    async with listening(config, door) as port:
        _log.info("listening on grpc://%s:%d", config.host, port)
        yield
