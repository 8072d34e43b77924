"""What the load test tells its sending processes, and what these tell it: messages over pipes."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence

import msgspec

from goldcrest.loadtest.columns import Chunk
from goldcrest.loadtest.profiles import Profile

_LENGTH = struct.Struct("<I")


class Setup(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Where and what to send; the first message.

    Attributes:
        key_variable: the environment variable that holds a key; empty for none.
        tells_timeout: whether the server is told of the timeout too.
        is_kept_fine: whether an answer will do that the server kept from earlier.
        part: which of ``n_parts`` processes this is.
    """

    host: str
    port: int
    is_tls: bool
    route: str
    protocol: str
    model: str
    key_variable: str
    timeout_ms: float
    tells_timeout: bool
    is_kept_fine: bool
    profile: Profile
    seed: int
    part: int
    n_parts: int
    max_connections: int
    n_first_connections: int


class Prepare(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Make the requests of a step.

    Attributes:
        offsets: when each is due, in s since the step begins; 8-byte floats.
        texts: for each offset, where they are given; "" to make one up.
        tokens: for each offset, the length of the text to make up; 0 for one of the profile.
        classes: for each offset, where they are given.
        clients: of a closed loop; 0 for an open one.
        n_ahead: requests to make before a closed loop begins.
    """

    offsets: bytes = b""
    texts: Sequence[str] = ()
    tokens: Sequence[int] = ()
    classes: Sequence[str] = ()
    clients: int = 0
    n_ahead: int = 0


class Go(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Run the step that was prepared, beginning at this moment of the monotonic clock."""

    at: float
    seconds: float
    patience_s: float


class Stop(msgspec.Struct, frozen=True, tag=True):
    """End the step that runs."""


class Prepared(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The step can begin; figures about the texts that were made since the last time."""

    n_texts: int = 0
    tokens: bytes = b""
    characters: bytes = b""
    n_repeats: int = 0


class Seen(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What became of requests since the last time."""

    rows: Chunk
    n_asked: int


class Over(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The step is over; all rows were told."""

    n_waited: int
    cpu_s: float
    wall_s: float


class Failed(msgspec.Struct, frozen=True, tag=True):
    """Nothing can be sent, and why."""

    reason: str


Order = Setup | Prepare | Go | Stop
Report = Prepared | Seen | Over | Failed

_orders: msgspec.msgpack.Decoder[Order] = msgspec.msgpack.Decoder(Order)
_reports: msgspec.msgpack.Decoder[Report] = msgspec.msgpack.Decoder(Report)


def packed(message: Order | Report) -> bytes:
    """A message with its length before it."""
    content = msgspec.msgpack.encode(message)
    return _LENGTH.pack(len(content)) + content


async def read_order(stream: asyncio.StreamReader) -> Order:
    """The next order.

    Raises:
        asyncio.IncompleteReadError: there is nobody left to give one.
    """
    return _orders.decode(await _read(stream))


async def read_report(stream: asyncio.StreamReader) -> Report:
    """The next report.

    Raises:
        asyncio.IncompleteReadError: the process has ended.
    """
    return _reports.decode(await _read(stream))


async def _read(stream: asyncio.StreamReader) -> bytes:
    (length,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
    return await stream.readexactly(length)
