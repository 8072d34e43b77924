"""A running server as the benchmark sees it: its first answer, its readiness, its metrics."""

import http.client
import re
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.client import HOST
from benchmarks.peer import Peer, Site
from benchmarks.process import BenchmarkError, Started, started
from benchmarks.threads import grouped, threads_of

POLL_S = 0.005
REFUSED_S = 0.1
ANSWER_LIMIT_S = 120.0
START_LIMIT_S = 300.0
SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{.*\})? (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Server:
    """A started peer that has answered its first request."""

    peer: Peer
    port: int
    started: Started
    start_s: float

    def counters(self) -> dict[str, float]:
        """Its metrics by name, summed over labels; nothing when it has none."""
        if self.peer.metrics is None:
            return {}
        try:
            return read_metrics(exchange(self.port, "GET", self.peer.metrics))
        except (OSError, ValueError, http.client.HTTPException):
            return {}

    def threads(self) -> dict[str, float] | None:
        """Processor seconds of its threads, by what they do; None when it does not name them."""
        pid = self.started.process.pid
        return grouped(threads_of(pid), pid, self.peer.threads)


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def read_metrics(text: str) -> dict[str, float]:
    """Samples in Prometheus' text form, summed over their labels."""
    totals: dict[str, float] = {}
    for name, value in SAMPLE.findall(text):
        totals[name] = totals.get(name, 0.0) + float(value)
    return totals


@contextmanager
def serving(peer: Peer, site: Site, *, probes: Sequence[str], log: Path) -> Iterator[Server]:
    """Starts a peer and waits for its first answer, timed from the start of its process."""
    environment = peer.environment(site)
    log.parent.mkdir(parents=True, exist_ok=True)
    with started(peer.argv(site), env=environment, folder=log.parent, log=log) as process:
        _wait_until_ready(peer, site.port, process=process)
        _ask_first(peer, site.port, process=process, probes=probes)
        yield Server(peer, site.port, process, start_s=time.perf_counter() - process.started_at)


def _wait_until_ready(peer: Peer, port: int, *, process: Started) -> None:
    """Asks for readiness every few milliseconds."""
    while not (_listens(port) and _is_ok(port, "GET", peer.ready)):
        _check(process)
        time.sleep(POLL_S)


def _ask_first(peer: Peer, port: int, *, process: Started, probes: Sequence[str]) -> None:
    """Has a text answered; a server that is ready and refuses is asked again, a few times."""
    for text in probes:
        _check(process)
        if _is_ok(port, "POST", peer.path, peer.body(text)):
            return
        time.sleep(REFUSED_S)
    raise BenchmarkError(f"it is ready but does not answer:\n{process.last_words()}")


def _check(process: Started) -> None:
    """A server that has ended, or takes for ever, is not waited for."""
    if not process.is_running:
        raise BenchmarkError(f"it ended while starting:\n{process.last_words()}")
    if time.perf_counter() - process.started_at > START_LIMIT_S:
        raise BenchmarkError(f"not ready after {START_LIMIT_S:.0f} s:\n{process.last_words()}")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _is_ok(port: int, method: str, path: str, body: str | None = None) -> bool:
    try:
        exchange(port, method, path, body)
    except (OSError, http.client.HTTPException):
        return False
    return True


def exchange(port: int, method: str, path: str, body: str | None = None) -> str:
    """One request outside the measured load; a status other than 200 is an error."""
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_LIMIT_S)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read().decode()
    finally:
        connection.close()
    if response.status != 200:
        raise ConnectionError(f"status {response.status}: {text[:200]}")
    return text
