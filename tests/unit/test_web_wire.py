"""What is written in one turn of the event loop leaves in one call."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from goldcrest.web.wire import Gathering


@dataclass
class Wire:
    """A transport that keeps what it was told."""

    told: list[Any] = field(default_factory=list)
    is_closed: bool = False

    def writelines(self, parts: list[bytes]) -> None:
        self.told.append(parts)

    def close(self) -> None:
        self.is_closed = True
        self.told.append("close")

    def is_closing(self) -> bool:
        return self.is_closed


def _gathering(wire: Wire) -> Gathering:
    return Gathering(wire, asyncio.get_running_loop())  # type: ignore[arg-type]  # all that is called is there


async def test_head_and_body_leave_together_at_the_end_of_the_turn():
    wire = Wire()
    gathering = _gathering(wire)

    gathering.write(b"head")
    gathering.write(b"body")
    written_within_the_turn = list(wire.told)
    await asyncio.sleep(0)

    assert [] == written_within_the_turn
    assert [[b"head", b"body"]] == wire.told


async def test_what_is_large_leaves_at_once_and_in_order():
    wire = Wire()
    gathering = _gathering(wire)

    gathering.write(b"head")
    gathering.write(b"b" * 70_000)

    assert [[b"head", b"b" * 70_000]] == wire.told


async def test_what_is_held_leaves_before_the_end():
    wire = Wire()
    gathering = _gathering(wire)

    gathering.write(b"refused")
    gathering.close()
    await asyncio.sleep(0)

    assert [[b"refused"], "close"] == wire.told


async def test_nothing_is_written_to_who_has_gone():
    wire = Wire(is_closed=True)

    _gathering(wire).write(b"late")
    await asyncio.sleep(0)

    assert [] == wire.told


async def test_everything_else_is_left_to_the_transport():
    assert _gathering(Wire()).is_closing() is False
