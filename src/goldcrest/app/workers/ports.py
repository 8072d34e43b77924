"""A port that several processes will share, held so that nobody else takes it."""

from __future__ import annotations

import socket

from goldcrest.errors import ConfigError


def reserved(host: str, port: int, *, what: str = "") -> socket.socket:
    """Bind an address without listening on it; whoever shares ports may bind it too.

    The kernel shares connections out among those that listen, so that this socket gets none.

    Args:
        host: an address or a name.
        port: 0 takes any free one.
        what: is listened for, to be told in an error.

    Raises:
        ConfigError: somebody listens there already, or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    holder = socket.socket(family, socket.SOCK_STREAM)
    try:
        if port:  # a port that is listened on is not shared with strangers
            socket.create_server((host, port), family=family).close()
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            holder.setsockopt(socket.SOL_SOCKET, option, 1)
        holder.bind((host, port))
    except OSError as error:
        holder.close()
        raise ConfigError(
            f"cannot listen on {host} port {port}{what}: {error.strerror or error}"
        ) from error
    return holder
