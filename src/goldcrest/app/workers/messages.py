"""What a supervisor and its workers say to each other, over a socket that only they hold."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Coroutine, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from goldcrest.config import Config

M = TypeVar("M")
T = TypeVar("T")
_log = logging.getLogger("goldcrest")
_LENGTH = 4
_MUCH = 1_000_000


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """The first message: what a worker is to do; the settings may hold secrets.

    Attributes:
        number: of the worker, from 1.
        config: the settings in force for it.
        processors: those it is pinned to; none: the system decides.
        opened: when the server was started, in seconds since 1970.
    """

    number: int
    config: Config
    processors: tuple[int, ...]
    opened: int


class Listen(msgspec.Struct, frozen=True, tag=True):
    """Take connections from now on."""


class End(msgspec.Struct, frozen=True, tag=True):
    """Answer what is in flight, and end.

    Attributes:
        is_succeeded: another one takes the connections: close the listener first.
    """

    is_succeeded: bool


class Tell(msgspec.Struct, frozen=True, tag=True):
    """Send your figures."""


class Scraped(msgspec.Struct, frozen=True, tag=True):
    """What a scrape is told, of all workers."""

    text: bytes


class Beat(msgspec.Struct, frozen=True, tag=True):
    """The event loop turns.

    Attributes:
        is_ready: every model could answer.
        is_engine_alive: no run of an engine was given up as hung.
    """

    is_ready: bool
    is_engine_alive: bool


class Listening(msgspec.Struct, frozen=True, tag=True):
    """Connections are taken."""


class Told(msgspec.Struct, frozen=True, tag=True):
    """All that the worker has counted, in the shape of `metrics.figures.Figures`."""

    figures: Mapping[str, Mapping[tuple[str, ...], tuple[float, ...]]]


class Scrape(msgspec.Struct, frozen=True, tag=True):
    """Somebody wants the figures of all."""


ToWorker = Listen | End | Tell | Scraped
ToSupervisor = Beat | Listening | Told | Scrape


class Channel(Generic[M]):
    """One end of the socket on an event loop.

    Args:
        kind: of the messages that arrive.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kind: object
    ) -> None:
        self._reader, self._writer = reader, writer
        self._decoder = msgspec.msgpack.Decoder(kind)

    def send(self, message: msgspec.Struct) -> None:
        """Send without waiting; to an end that is gone, nothing is sent."""
        if not self._writer.is_closing():
            self._writer.write(framed(message))

    @property
    def is_clogged(self) -> bool:
        """Whether the other end has not read for so long that it should be told no more."""
        return self._writer.transport.get_write_buffer_size() > _MUCH

    async def receive(self) -> M | None:
        """Wait for the next message; None once the other end is gone."""
        try:
            length = int.from_bytes(await self._reader.readexactly(_LENGTH), "big")
            message: M = self._decoder.decode(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, OSError):
            return None
        return message

    async def close(self) -> None:
        """Close this end once everything is sent, if the other end takes it within a second."""
        try:
            async with asyncio.timeout(1):
                await self._writer.drain()
        except (TimeoutError, OSError):
            pass
        self._writer.close()


def begun(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task beside all others whose failure is told in the log, for nobody awaits it."""
    task = asyncio.create_task(work)
    task.add_done_callback(_note_failure)
    return task


def _note_failure(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("supervisor and worker cannot understand each other", exc_info=error)


async def opened(end: socket.socket, kind: object) -> Channel[M]:
    """A channel over one end of a socket pair."""
    return Channel(*await asyncio.open_unix_connection(sock=end), kind)


def framed(message: msgspec.Struct) -> bytes:
    """A message behind its length."""
    content = msgspec.msgpack.encode(message)
    return len(content).to_bytes(_LENGTH, "big") + content


def read_order(end: socket.socket) -> Order:
    """Wait for the first message, before there is an event loop.

    Raises:
        EOFError: the supervisor is gone.
    """
    length = int.from_bytes(_exactly(end, _LENGTH), "big")
    return msgspec.msgpack.decode(_exactly(end, length), type=Order)


def _exactly(end: socket.socket, n_bytes: int) -> bytes:
    content = b""
    while len(content) < n_bytes:
        if not (more := end.recv(n_bytes - len(content))):
            raise EOFError("the supervisor is gone")
        content += more
    return content
