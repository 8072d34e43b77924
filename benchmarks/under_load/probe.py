"""Asks for a server's health again and again, in a process of its own, and notes how long it took.

Called with a port, a path, seconds, probes a second and where to write. Every second probe opens a
connection of its own, as the kubelet does.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.client import HOST
from benchmarks.process import POLL_S, BenchmarkError, started
from benchmarks.under_load.driver import NICENESS
from goldcrest.prompt import run_promptly

ROOT = Path(__file__).parents[2]
LIMIT_S = 10.0
_SERVER_MS = re.compile(rb"\r\nserver-timing:[^\r]*?dur=([0-9.]+)", re.IGNORECASE)


class Probes(msgspec.Struct, frozen=True):
    """What probes saw; milliseconds. ``server_ms`` is empty where the server does not tell.

    Attributes:
        fresh_ms: of those on a connection of their own, its opening too.
        states: how often each status came; 0 for none.
    """

    path: str
    kept_ms: list[float]
    fresh_ms: list[float]
    server_ms: list[float]
    states: dict[int, int]

    @property
    def all_ms(self) -> list[float]:
        return [*self.kept_ms, *self.fresh_ms]


def probe(port: int, path: str, seconds: float, rate: float) -> Probes:
    """Asks at an even pace."""
    run_promptly()  # it shares the server's processors, which those who ask elsewhere do not
    found = Probes(path, [], [], [], {})
    content = f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\n\r\n".encode()
    kept = _open(port)
    begun = time.perf_counter()
    for number in range(int(seconds * rate)):
        time.sleep(max(0.0, begun + number / rate - time.perf_counter()))
        if number % 2:
            _ask(kept, content, time.perf_counter(), found.kept_ms, found)
        else:
            asked = time.perf_counter()
            with _open(port) as fresh:
                _ask(fresh, content, asked, found.fresh_ms, found)
    kept.close()
    return found


def _open(port: int) -> socket.socket:
    opened = socket.create_connection((HOST, port), timeout=LIMIT_S)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened


def _ask(
    connection: socket.socket, content: bytes, asked: float, times: list[float], found: Probes
) -> None:
    connection.sendall(content)
    answer = b""
    while b"}" not in answer.partition(b"\r\n\r\n")[2]:
        part = connection.recv(65536)
        if not part:
            break
        answer += part
    times.append((time.perf_counter() - asked) * 1e3)
    status = int(answer[9:12] or 0)
    found.states[status] = found.states.get(status, 0) + 1
    if told := _SERVER_MS.search(answer):
        found.server_ms.append(float(told[1]))


@dataclass(frozen=True)
class Probing:
    """A prober at work."""

    file: Path

    def found(self) -> Probes:
        return msgspec.msgpack.decode(self.file.read_bytes(), type=Probes)


@contextmanager
def probing(port: int, path: str, *, seconds: float, rate: float, home: Path) -> Iterator[Probing]:
    """Starts a prober, and waits for its end."""
    name = path.strip("/").replace("/", "-")
    file = home / f"probe-{name}"
    words = (str(port), path, str(seconds), str(rate), str(file))
    command = (sys.executable, "-m", "benchmarks.under_load.probe", *words)
    with started(command, env={}, folder=ROOT, log=home / "logs" / f"probe-{name}.log") as run:
        yield Probing(file)
        while run.is_running:
            time.sleep(POLL_S)
        if run.process.returncode:
            raise BenchmarkError(f"the prober failed:\n{run.last_words()}")


if __name__ == "__main__":
    with suppress(OSError):
        os.nice(NICENESS)
    asked_port, asked_path, asked_s, asked_rate, out = sys.argv[1:]
    seen = probe(int(asked_port), asked_path, float(asked_s), float(asked_rate))
    Path(out).write_bytes(msgspec.msgpack.encode(seen))
