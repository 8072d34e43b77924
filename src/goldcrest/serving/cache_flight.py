"""Twins in flight: an answer that is being computed for one caller is waited for by others.

Whoever leads a flight computes it in his own task, so that a text without twins costs no task and
no future. If he leaves, expires or is refused, the others hear that there is no answer, and see
for themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import get_args

from goldcrest.errors import InvalidRequest
from goldcrest.names import Priority
from goldcrest.values import Answer

Landed = Answer | InvalidRequest | None
"""What a flight brings: an answer, what is wrong with the text, or nothing."""

RANKS: Mapping[Priority, int] = {name: rank for rank, name in enumerate(get_args(Priority))}
"""Lower is more urgent."""


class Flight:
    """One call of a version, and who else waits for its answers.

    Args:
        rank: of the class of whoever leads it.
    """

    __slots__ = ("_waiters", "rank")

    def __init__(self, rank: int) -> None:
        self.rank = rank
        self._waiters: dict[bytes, list[asyncio.Future[Landed]]] | None = None

    def join(self, key: bytes) -> asyncio.Future[Landed]:
        """Wait for the answer of that key too."""
        waiter: asyncio.Future[Landed] = asyncio.get_running_loop().create_future()
        if self._waiters is None:
            self._waiters = {}
        self._waiters.setdefault(key, []).append(waiter)
        return waiter

    def land(self, found: Mapping[bytes, Answer], error: InvalidRequest | None) -> None:
        """Give everybody who waits his answer, or else the error, or nothing."""
        if self._waiters is None:
            return
        for key, waiters in self._waiters.items():
            landed = found.get(key, error)
            for waiter in waiters:
                if not waiter.done():  # whoever waited may have left
                    waiter.set_result(landed)


class Flights:
    """All that are under way, by key; on one event loop."""

    def __init__(self) -> None:
        self._flights: dict[bytes, Flight] = {}

    def __len__(self) -> int:
        return len(self._flights)

    def join(self, key: bytes, rank: int) -> asyncio.Future[Landed] | None:
        """Wait for a twin's answer; None where there is no twin, or only a less urgent one."""
        flight = self._flights.get(key)
        return flight.join(key) if flight is not None and flight.rank <= rank else None

    def begin(self, keys: Iterable[bytes], rank: int) -> Flight:
        """Lead a flight; from now on others may join it, unless they have a more urgent one."""
        own = Flight(rank)
        for key in keys:
            flight = self._flights.get(key)
            if flight is None or rank < flight.rank:
                self._flights[key] = own
        return own

    def end(self, own: Flight, keys: Iterable[bytes]) -> None:
        """Take a flight off the list; to be called before it lands."""
        for key in keys:
            if self._flights.get(key) is own:
                del self._flights[key]
