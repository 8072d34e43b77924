"""The load driver: open and closed loops over one event loop, in a process of its own.

Called with two files: the plan, and where to write what it saw. Latency counts from when a request
was due, so a server that falls behind cannot make the load lighter. Answers are kept as they came
and judged by the parent afterwards.
"""

from __future__ import annotations

import asyncio
import gc
import os
import re
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import cast

import uvloop

from benchmarks.client import HOST
from benchmarks.under_load.asked import Asked, Load, load_of, seen_of
from benchmarks.under_load.plan import Fate, Plan, Sight, read, write

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_SERVER_MS = re.compile(rb"\r\nserver-timing:[^\r]*?dur=([0-9.]+)", re.IGNORECASE)
_RETRY = re.compile(rb"\r\nretry-after: *([0-9.]+)", re.IGNORECASE)
NICENESS = -10
POLL_S = 0.02
REST_S = 0.05
"""A closed loop's client rests this long after anything but an answer."""


class Connection(asyncio.Protocol):
    """One kept connection: at most one request on it at a time."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._received = b""
        self._asked: Asked | None = None
        self._transport: asyncio.Transport | None = None
        self._leaving: asyncio.TimerHandle | None = None
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True

    def ask(self, asked: Asked) -> None:
        transport, load = cast("asyncio.Transport", self._transport), asked.load
        self._asked, self._received = asked, b""
        asked.sent = self._driver.now()
        content = load.bytes_of(asked)
        if load.stream.vanishing and load.chance.random() < load.stream.vanishing:
            self._vanish_soon(transport, content, load)
        else:
            transport.write(content)

    def _vanish_soon(self, transport: asyncio.Transport, content: bytes, load: Load) -> None:
        """Sends all of it or half of it, and plans to be gone a moment later."""
        is_whole = load.chance.random() < 0.7
        transport.write(content if is_whole else content[: len(content) // 2])
        after = load.chance.random() * load.stream.vanish_s
        is_rude = load.chance.random() < 0.5
        self._leaving = asyncio.get_running_loop().call_later(after, self._leave, is_rude)

    def _leave(self, is_rude: bool) -> None:  # noqa: FBT001  # a callback's arguments have no names
        if self._asked is not None:
            self._end(Fate.VANISHED)
        transport = cast("asyncio.Transport", self._transport)
        self.is_open = False
        (transport.abort if is_rude else transport.close)()

    def data_received(self, data: bytes) -> None:
        if self._asked is None:
            self._driver.stray()
            return
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head) if found else None
        if length is None or len(rest) < (n := int(length[1])):
            return
        self._read(self._asked, head, rest[:n])
        self._end(Fate.ANSWERED if len(rest) == n else Fate.DOUBLED)

    def _read(self, asked: Asked, head: bytes, body: bytes) -> None:
        asked.status, asked.body = int(head[9:12]), body
        if told := _SERVER_MS.search(head):
            asked.server_ms = float(told[1])
        if told := _RETRY.search(head):
            asked.retry_after = float(told[1])

    def _end(self, fate: Fate) -> None:
        asked, self._asked = cast("Asked", self._asked), None
        is_leaving = self._leaving is not None
        self._driver.ended(asked, fate, None if is_leaving else self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if self._leaving is not None:
            self._leaving.cancel()
        if self._asked is not None:
            self._end(Fate.BROKEN)
        self._driver.lost()

    def close(self) -> None:
        self._asked = None
        if self._transport is not None:
            self._transport.abort()


class Driver:
    """All streams of a plan, over connections that they share."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._loads = [load_of(stream, plan.port) for stream in plan.streams]
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._waiting: deque[Asked] = deque()
        self._n_connections = self._n_opened = 0
        self._origin = 0.0
        self._last_end = 0.0
        self.n_stray = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def now(self) -> float:
        return time.perf_counter() - self._origin

    def stray(self) -> None:
        self.n_stray += 1

    async def run(self) -> Sight:
        cpu, began = time.process_time(), time.time()
        self._origin = time.perf_counter()
        printing = asyncio.create_task(self._print()) if self._plan.progress_s else None
        await asyncio.gather(*(self._feed(load) for load in self._loads))
        self._last_end = self.now()
        await self._wait_for_the_last()
        wall_s, cpu_s = self.now(), time.process_time() - cpu
        if printing is not None:
            printing.cancel()
        for connection in list(self._all):
            connection.close()
        await asyncio.sleep(0.05)
        return Sight(
            streams=tuple(seen_of(load) for load in self._loads),
            began=began,
            wall_s=wall_s,
            cpu_s=cpu_s,
            n_stray=self.n_stray,
            n_connections=self._n_opened,
        )

    async def _feed(self, load: Load) -> None:
        if load.stream.rate:
            await self._open_loop(load)
        else:
            await asyncio.sleep(load.stream.begin_s)
            for _ in range(load.stream.clients):
                self._next_of_closed_loop(load)
            while load.is_due(self.now()):  # noqa: ASYNC110  # time passes by itself
                await asyncio.sleep(POLL_S)

    async def _open_loop(self, load: Load) -> None:
        for due in load.stream.arrivals().tolist():
            rest = due - self.now()
            if rest > 0:
                await asyncio.sleep(rest)
            self._send(load.next_request(due))

    def _next_of_closed_loop(self, load: Load) -> None:
        now = self.now()
        if load.is_due(now):
            self._send(load.next_request(now, is_closed_loop=True))

    def _send(self, asked: Asked) -> None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                connection.ask(asked)
                return
        self._waiting.append(asked)
        if self._n_connections < self._plan.most_connections:
            self._connect()

    def _connect(self) -> None:
        self._n_connections += 1
        self._n_opened += 1
        task = asyncio.create_task(self._connected())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connected(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                lambda: Connection(self), HOST, self._plan.port
            )
        except OSError:
            self._n_connections -= 1
            if self._waiting:
                self.ended(self._waiting.popleft(), Fate.UNCONNECTED, None)
            self._connect_if_needed()
            return
        self._all.add(connection)
        self._free(connection)

    def _free(self, connection: Connection) -> None:
        if self._waiting:
            connection.ask(self._waiting.popleft())
        else:
            self._idle.append(connection)

    def lost(self) -> None:
        self._n_connections -= 1
        self._all = {c for c in self._all if c.is_open}
        self._connect_if_needed()

    def _connect_if_needed(self) -> None:
        if self._waiting and self._n_connections < self._plan.most_connections:
            self._connect()

    def ended(self, asked: Asked, fate: Fate, connection: Connection | None) -> None:
        asked.done, asked.fate, load = self.now(), fate, asked.load
        self._last_end = asked.done
        load.n_open -= 1
        if connection is not None and connection.is_open:
            self._free(connection)
        if asked.is_closed_loop:
            if asked.status == 200:
                self._next_of_closed_loop(load)
            else:
                loop = asyncio.get_running_loop()
                loop.call_later(REST_S, self._next_of_closed_loop, load)

    async def _wait_for_the_last(self) -> None:
        """Until all have ended, or none has for as long as patience lasts."""
        while any(load.n_open for load in self._loads) and self._is_patient():  # noqa: ASYNC110  # patience runs out by itself
            await asyncio.sleep(POLL_S)

    def _is_patient(self) -> bool:
        return self.now() - self._last_end < self._plan.patience_s

    async def _print(self) -> None:
        while True:
            await asyncio.sleep(self._plan.progress_s)
            print(f"{self.now():.0f} s: {', '.join(self._lines())}", flush=True)

    def _lines(self) -> Iterator[str]:
        for load in self._loads:
            n = len(load.asked)
            yield f"{load.stream.name}: {n} asked, {load.n_open} open"


def main(plan_file: Path, sight_file: Path) -> None:
    """Runs a plan."""
    with suppress(OSError):  # a caller on another machine would not wait for this one's cores
        os.nice(NICENESS)
    plan = read(plan_file, Plan)
    gc.collect()
    gc.disable()  # a collection in the midst of it would count as the server's latency
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sight = runner.run(Driver(plan).run())
    write(sight_file, sight)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
