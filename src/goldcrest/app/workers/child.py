"""A worker as its supervisor sees it: a process, what it has said, and how to end it."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Callable

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
    ToSupervisor,
    begun,
    opened,
)
from goldcrest.app.workers.watch import Pulse, Reason
from goldcrest.metrics.figures import Figures

_MODULE = "goldcrest.cli.worker"


class Child:
    """A worker's process, started afresh: a fork would take over locks of threads it has not.

    Args:
        process: of the worker.
        channel: to it.
        order: what it was told to do.

    Attributes:
        figures: what it has counted, as far as it said so.
        lost_by: why it was given up; None while it was not.
        wants_scrape: called when it asks for the figures of all.
        changed: called when it may have become ready.
    """

    wants_scrape: Callable[[Child], None] = staticmethod(lambda _: None)
    changed: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self, process: Process, channel: Channel[ToSupervisor], order: Order) -> None:
        self.number, self.processors = order.number, order.processors
        self.pulse = Pulse(time.monotonic(), order.config.workers.heartbeat_s)
        self.figures: Figures = {}
        self.lost_by: Reason | None = None
        self.may_listen = self.is_listening = self.is_ready = self.is_ending = False
        self._process, self._channel = process, channel
        self._told: asyncio.Future[None] | None = None
        self._hearing = begun(self._hear())
        self.over = asyncio.create_task(self._process_over())

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def was_ready(self) -> bool:
        """Whether it has been ready at any time."""
        return self.pulse.ready_at is not None

    @property
    def is_over(self) -> bool:
        return self.over.done()

    def listen(self) -> None:
        self.may_listen = True
        self._channel.send(Listen())

    def end(self, *, is_succeeded: bool) -> None:
        """Let it answer what is in flight, and end; see `End`."""
        self.is_ending = True
        self._channel.send(End(is_succeeded))

    def kill(self, reason: Reason | None = None) -> None:
        """End it at once, even if it is stopped; the kernel resets its connections."""
        self.lost_by = self.lost_by or reason
        if not self.is_over:
            self._process.kill()

    def answer(self, text: bytes) -> None:
        self._channel.send(Scraped(text))

    async def tell(self) -> None:
        """Wait until it has sent its figures."""
        if self._told is None:
            self._told = asyncio.get_running_loop().create_future()
            self._channel.send(Tell())
        await asyncio.shield(self._told)

    async def _hear(self) -> None:
        while (message := await self._channel.receive()) is not None:
            match message:
                case Beat(is_ready, is_engine_alive):
                    self._beat(is_ready=is_ready, is_engine_alive=is_engine_alive)
                case Told(figures):
                    self.figures = figures
                    if self._told is not None:
                        self._told.set_result(None)
                        self._told = None
                case Listening():
                    self.is_listening = True
                    self.changed()
                case Scrape():
                    self.wants_scrape(self)

    def _beat(self, *, is_ready: bool, is_engine_alive: bool) -> None:
        self.is_ready = is_ready
        self.pulse.beat(time.monotonic(), is_ready=is_ready)
        self.changed()
        if not is_engine_alive:
            self.kill("engine")

    async def _process_over(self) -> int:
        """Wait for the end of the process, and for all that it has said until then."""
        status = await self._process.wait()
        await asyncio.wait([self._hearing], timeout=1)
        self._hearing.cancel()
        self.is_listening = self.is_ready = False
        await self._channel.close()
        if self._told is not None:
            self._told.set_result(None)
        return status


async def started(order: Order) -> Child:
    """Start a worker; its order, secrets and all, goes to it over a socket of its own.

    Raises:
        OSError: the system has no process to give.
    """
    ours, its = socket.socketpair()
    try:
        process = await _process(its.fileno())
    except OSError:
        ours.close()
        raise
    finally:
        its.close()
    channel: Channel[ToSupervisor] = await opened(ours, ToSupervisor)
    channel.send(order)
    return Child(process, channel, order)


async def _process(descriptor: int) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # what lies in the working folder is not to be taken for a library
        "-m",
        _MODULE,
        str(descriptor),
        pass_fds=(descriptor,),
        stdin=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C reaches the supervisor alone, which lets it drain
    )


def ended_by(status: int) -> str:
    """The end of a process in words."""
    if status >= 0:
        return f"with status {status}"
    name = signal.Signals(-status).name
    return f"by {name} (out of memory?)" if name == "SIGKILL" else f"by {name}"
