"""What a probe is told over its standard input, and what it tells over its output: lines of JSON."""

from __future__ import annotations

from typing import IO

import msgspec


class Setup(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Open a candidate, answer one text, and say so.

    Attributes:
        artifact: a folder that holds its graph.
        items: texts or pairs that it will be measured on.
        max_tokens: slots of the largest grid.
        objective_s: the longest that a grid should take.
    """

    artifact: str
    precision: str
    variant: str
    hint: str
    n_threads: int
    items: tuple[str | tuple[str, str], ...]
    max_tokens: int
    objective_s: float


class Warm(msgspec.Struct, frozen=True, tag=True):
    """Warm the shapes and lay out the grids."""


class Go(msgspec.Struct, frozen=True, tag=True):
    """Run a round."""


Order = Setup | Warm | Go


class Opened(msgspec.Struct, frozen=True, tag=True):
    """The first text was answered."""


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Every round will run these grids."""

    n_texts: int
    n_tokens: int
    grid: str


class Seen(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A round was run.

    Attributes:
        seconds: for all grids.
        lone_s: for each of some texts alone.
        grown_bytes: since before the candidate was opened; 0 where that cannot be told.
    """

    seconds: float
    lone_s: tuple[float, ...]
    grown_bytes: int


class Failed(msgspec.Struct, frozen=True, tag=True):
    """It cannot go on."""

    reason: str


Told = Opened | Ready | Seen | Failed


def write(stream: IO[bytes], message: Order | Told) -> None:
    """Send a message."""
    stream.write(msgspec.json.encode(message) + b"\n")
    stream.flush()


def read_order(line: bytes) -> Order:
    """An order from its line."""
    order: Order = msgspec.json.decode(line, type=Order)
    return order


def read_told(line: bytes) -> Told:
    """What a probe told, from its line."""
    told: Told = msgspec.json.decode(line, type=Told)
    return told
