"""What is done to a server while it is under load: workers are killed, Redis comes and goes."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from benchmarks.client import HOST
from benchmarks.process import end_group
from benchmarks.server import free_port
from benchmarks.under_load.serving import Server
from benchmarks.under_load.texts import body

LISTEN_LIMIT_S = 5.0
ASK_LIMIT_S = 15.0


@dataclass
class Deeds:
    """What was done, and when, in seconds since 1970."""

    kills: list[float] = field(default_factory=list)
    redis: list[tuple[float, str]] = field(default_factory=list)


@contextmanager
def now_and_then(period_s: float, act: Callable[[], None]) -> Iterator[None]:
    """Acts once in each period, on a thread, until the end of the block; 0 for never."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(period_s):
            act()

    thread = threading.Thread(target=work, daemon=True)
    if period_s:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if period_s:
            thread.join(30)


def kill_one(server: Server, deeds: Deeds, chance: random.Random) -> None:
    """Kills a worker as the kernel would."""
    workers = server.workers()
    if server.pid in workers:  # it has no workers; killing it would prove nothing
        return
    deeds.kills.append(time.time())
    with suppress(ProcessLookupError):
        os.kill(chance.choice(workers), signal.SIGKILL)


@dataclass
class Redis:
    """A Redis server that is started, killed, held and let go in turn."""

    port: int
    folder: Path
    deeds: Deeds
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def start(self) -> None:
        words: tuple[str, ...] = (
            "redis-server",
            "--port",
            str(self.port),
            "--bind",
            HOST,
            "--save",
            "",
        )
        words += ("--appendonly", "no", "--dir", str(self.folder), "--maxmemory", "64mb")
        self.process = subprocess.Popen(
            words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def hold(self) -> None:
        """Stops it so that it takes connections and never answers."""
        self._signal(signal.SIGSTOP)

    def let_go(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, sign: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(sign)

    def turns(self) -> Callable[[], None]:
        """Returns what does the next thing to it each time it is called."""
        doing = cycle([self.kill, self.start, self.hold, self.let_go])

        def next_turn() -> None:
            act = next(doing)
            self.deeds.redis.append((time.time(), act.__name__))
            act()

        return next_turn


@contextmanager
def redis(folder: Path, deeds: Deeds) -> Iterator[Redis]:
    """Starts a Redis, and ends it whatever state it is in."""
    made = Redis(free_port(), folder, deeds)
    made.start()
    time.sleep(0.3)
    try:
        yield made
    finally:
        if made.process is not None and made.process.poll() is None:
            made.let_go()
            end_group(made.process)


@dataclass
class Retrying:
    """A caller that opens a connection for each request, and asks once more if it breaks."""

    n: int = 0
    n_broken: int = 0
    n_failed_again: int = 0
    slowest_s: float = 0.0


@contextmanager
def retrying(port: int, text: str, *, period_s: float = 0.05) -> Iterator[Retrying]:
    """Asks like that until the end of the block."""
    found = Retrying()

    def ask() -> None:
        begun = time.perf_counter()
        found.n += 1
        if not _is_answered(port, text):
            found.n_broken += 1
            found.n_failed_again += not _is_answered(port, text)
        found.slowest_s = max(found.slowest_s, time.perf_counter() - begun)

    with now_and_then(period_s, ask):
        yield found


def _is_answered(port: int, text: str) -> bool:
    """Whether anything came back; a refusal is an answer too."""
    connection = http.client.HTTPConnection(HOST, port, timeout=ASK_LIMIT_S)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/classify", body(text), headers)
        json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return True
