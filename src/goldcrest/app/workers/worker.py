"""One of several processes that serve on one port: its end of the bond to the supervisor."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from goldcrest.app.server import House, run_house
from goldcrest.app.source import Progress
from goldcrest.app.workers.messages import (
    Beat,
    Channel,
    End,
    Listen,
    Listening,
    Order,
    Scrape,
    Scraped,
    Tell,
    Told,
    ToWorker,
    begun,
    opened,
)
from goldcrest.app.workers.watch import beat_s
from goldcrest.errors import Unavailable

if TYPE_CHECKING:
    from goldcrest.web.server import Ending

_log = logging.getLogger("goldcrest")
_PATIENCE_S = 2.0
"""How long a scrape waits for the supervisor."""
_TELL_S = 1.0
"""How often a worker sends its figures unasked, so that few are lost if it is killed."""


def run_worker(end: socket.socket, order: Order, progress: Progress) -> int:
    """Serve as one of several until the supervisor says otherwise, or is gone.

    Args:
        end: of the socket pair whose other end the supervisor holds.
        order: what it has sent first.
        progress: told of each step of a compilation.

    Returns:
        The exit status.

    Raises:
        GoldcrestError: a model cannot be opened, or the address not be listened on.
    """
    if order.processors:  # before there are threads, so that all are bound by it
        os.sched_setaffinity(0, order.processors)
    return run_house(order.config, progress, Tie(end, order))


class Tie:
    """The bond of a worker to its supervisor.

    Args:
        end: of the socket pair.
        order: what it is to do.
    """

    shares_port = True

    def __init__(self, end: socket.socket, order: Order) -> None:
        self.opened = order.opened
        self._end = end
        self._beat_s = beat_s(order.config.workers.heartbeat_s)
        self._may_listen = asyncio.Event()
        self._ending: asyncio.Future[Ending] | None = None
        self._scrapes: list[asyncio.Future[bytes]] = []
        self._channel: Channel[ToWorker] | None = None

    @property
    def is_succeeded(self) -> bool:
        return self._is_ending and self._ending is not None and self._ending.result() == "retire"

    @asynccontextmanager
    async def attached(self, house: House) -> AsyncIterator[None]:
        """Beat and listen for orders; the last figures are sent at the end."""
        self._ending = asyncio.get_running_loop().create_future()
        channel: Channel[ToWorker] = await opened(self._end, ToWorker)
        self._channel = channel
        house.metrics.scrape = self._scrape
        tasks = (
            begun(self._beat(house, channel)),
            begun(self._obey(house, channel)),
        )
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            channel.send(_told(house))
            await channel.close()

    async def may_listen(self) -> bool:
        await self._may_listen.wait()
        return not self._is_ending

    async def told(self) -> Ending:
        assert self._ending is not None  # noqa: S101  # it is attached
        return await asyncio.shield(self._ending)

    def listening(self, host: str, port: int) -> None:
        _log.debug("listening on %s port %d", host, port)
        if self._channel is not None:
            self._channel.send(Listening())

    @property
    def _is_ending(self) -> bool:
        return self._ending is not None and self._ending.done()

    async def _beat(self, house: House, channel: Channel[ToWorker]) -> None:
        told_at = float("-inf")
        loop = asyncio.get_running_loop()
        while True:
            if not channel.is_clogged:
                channel.send(Beat(is_ready=house.is_ready, is_engine_alive=house.is_alive))
            if loop.time() - told_at >= _TELL_S and not channel.is_clogged:
                channel.send(_told(house))
                told_at = loop.time()
            if house.error is not None:
                self._end_by("drain")
            await asyncio.sleep(self._beat_s)

    async def _obey(self, house: House, channel: Channel[ToWorker]) -> None:
        while (message := await channel.receive()) is not None:
            match message:
                case Listen():
                    self._may_listen.set()
                case Tell():
                    channel.send(_told(house))
                case Scraped(text):
                    self._scraped(text)
                case End(is_succeeded):
                    self._end_by("retire" if is_succeeded else "drain")
        _log.error("the supervisor is gone; this worker ends")
        self._end_by("drain")

    def _end_by(self, ending: Ending) -> None:
        if self._ending is not None and not self._ending.done():
            self._ending.set_result(ending)
        self._may_listen.set()  # whoever waits for it learns that it will not be

    async def _scrape(self) -> bytes:
        """The figures of all workers, as the supervisor tells them.

        Raises:
            Unavailable: it does not answer; to tell only ours would let totals fall.
        """
        if self._channel is None:
            raise Unavailable("the figures of all workers cannot be told yet")
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._scrapes.append(answer)
        if len(self._scrapes) == 1:
            self._channel.send(Scrape())
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await answer
        except TimeoutError as error:
            raise Unavailable(
                f"the supervisor has not told the figures of all workers within {_PATIENCE_S:g} s"
            ) from error
        finally:
            if answer in self._scrapes:
                self._scrapes.remove(answer)

    def _scraped(self, text: bytes) -> None:
        waiting, self._scrapes = self._scrapes, []
        for answer in waiting:
            if not answer.done():
                answer.set_result(text)


def _told(house: House) -> Told:
    return Told(house.metrics.figures())  # type: ignore[arg-type]  # sent as arrays, whatever holds them
