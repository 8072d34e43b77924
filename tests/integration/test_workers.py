"""Several workers on one port: real processes, killed, stopped, replaced and drained."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.running import Server, serving

from goldcrest.artifact import Artifact
from goldcrest.config import Config

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not Path("/proc/net/tcp").is_file(), reason="reads Linux's /proc"),
]

FLAGS = ("--workers", "2", "--threads", "1", "--precision", "f32", "--set", "workers.heartbeat_s=2")


@pytest.fixture(scope="module")
def server(tiny: Artifact, config: Config) -> Iterator[Server]:
    with serving(str(tiny.folder), *FLAGS, cache=config.cache.folder) as running:
        yield running


@pytest.fixture
def both(server: Server) -> Server:
    """The server with both of its workers at work."""
    return until(server, lambda: 2 == scraped(server).get("goldcrest_workers"))


def until(server: Server, is_so: Callable[[], bool]) -> Server:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline, server.log
        time.sleep(0.05)  # other processes: there is nothing to wait on
    return server


def scraped(server: Server) -> dict[str, float]:
    with urllib.request.urlopen(server.url + "/metrics", timeout=10) as reply:  # noqa: S310  # our own server
        lines = reply.read().decode().splitlines()
    rows = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in rows}


def workers(server: Server) -> set[int]:
    return children(server.process.pid)


def children(parent: int) -> set[int]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if int(after_name[1]) == parent:
            found.add(int(path.parent.name))
    return found


def ports_of(worker: int) -> set[int]:
    """The callers' ports of a process's connections."""
    targets = [str(path.readlink()) for path in Path(f"/proc/{worker}/fd").iterdir()]
    sockets = {target[len("socket:[") : -1] for target in targets if target.startswith("socket:")}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(row[2].rpartition(":")[2], 16) for row in rows if row[9] in sockets}


class Client(threading.Thread):
    """Asks again and again on one connection, and notes each time it was broken."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        host, _, port = server.url.removeprefix("http://").rpartition(":")
        self._connection = http.client.HTTPConnection(host, int(port), timeout=30)
        self._connection.connect()
        self.port = self._connection.sock.getsockname()[1]
        self.outcomes: list[str] = []
        self.is_over = False
        self.ask()

    def ask(self) -> None:
        body = json.dumps({"text": "the quick brown fox"})
        try:
            self._connection.request("POST", "/classify", body)
            reply = self._connection.getresponse()
            reply.read()
            self.outcomes.append(str(reply.status))
        except (http.client.HTTPException, OSError):
            self.outcomes.append("broken")
            self._connection.close()  # the next request opens it again

    def run(self) -> None:
        while not self.is_over:
            self.ask()

    def stop(self) -> str:
        """Returns what it met, each kind in a row once."""
        self.is_over = True
        self.join(30)
        self._connection.close()
        return re.sub(r"(\w+ )\1+", r"\1", "".join(f"{outcome} " for outcome in self.outcomes))


@pytest.fixture
def clients(both: Server) -> Iterator[list[Client]]:
    asking = [Client(both) for _ in range(4)]
    for client in asking:
        client.start()
    yield asking
    for client in asking:
        client.stop()


def test_who_was_with_a_killed_worker_is_reset_once_and_the_others_notice_nothing(
    both: Server, clients: list[Client]
) -> None:
    victim = min(workers(both))
    lost = ports_of(victim)

    os.kill(victim, signal.SIGKILL)
    until(both, lambda: victim not in workers(both) and len(workers(both)) == 2)

    for client in clients:
        expected = "200 broken 200 " if client.port in lost else "200 "
        assert expected == client.stop()


def test_no_total_falls_when_a_worker_is_lost(both: Server) -> None:
    for _ in range(8):
        both.call("/classify", {"text": "one text"})
    before, victim = scraped(both), max(workers(both))

    os.kill(victim, signal.SIGKILL)
    until(both, lambda: victim not in workers(both))
    after = scraped(both)

    totals = [name for name in before if re.match(r"\w+_(total|bucket|count|sum)\b", name)]
    assert "process_cpu_seconds_total" in totals
    assert [] == [name for name in totals if after.get(name, 0) < before[name]]


def test_a_worker_that_stands_still_is_replaced(both: Server) -> None:
    lost = min(workers(both))
    before = scraped(both).get('goldcrest_worker_restarts_total{reason="silent"}', 0)

    os.kill(lost, signal.SIGSTOP)
    until(both, lambda: lost not in workers(both))

    assert 200 == both.call("/health/ready")[0]
    assert before + 1 == scraped(both)['goldcrest_worker_restarts_total{reason="silent"}']


def test_every_worker_tells_the_figures_of_all(both: Server) -> None:
    both.call("/classify", {"text": "one text"})

    found = [
        scraped(both)['goldcrest_items_total{task="classify",model="classifier"}'] for _ in range(8)
    ]

    assert [found[0]] * 8 == found


def test_all_workers_are_replaced_without_a_failed_request(
    both: Server, clients: list[Client]
) -> None:
    old = workers(both)

    both.process.send_signal(signal.SIGHUP)
    until(both, lambda: not old & workers(both))

    assert {"200", "broken"} >= {outcome for client in clients for outcome in client.stop().split()}
    # A connection that was idle at that moment was closed: the next attempt on it succeeds.
    assert not any("broken broken" in " ".join(client.outcomes) for client in clients)


def test_sigterm_drains_all_workers(tiny: Artifact, config: Config, texts: list[str]) -> None:
    with serving(str(tiny.folder), *FLAGS, cache=config.cache.folder) as running:
        until(running, lambda: 2 == scraped(running).get("goldcrest_workers"))
        with ThreadPoolExecutor(16) as callers:
            pending = [
                callers.submit(running.call, "/classify", {"text": texts}) for _ in range(16)
            ]
            while not any(future.done() for future in pending):
                time.sleep(0.001)  # another process: there is nothing to wait on
            running.process.send_signal(signal.SIGTERM)
            outcomes = [future.exception() or future.result()[0] for future in pending]

        assert 0 == running.process.wait(30)
    # Answered, or refused while draining, or the listener was closed; none is cut.
    assert {200} <= {o for o in outcomes if isinstance(o, int)} <= {200, 503}
    assert "cut off" not in running.log


def test_the_workers_end_when_their_supervisor_is_gone(tiny: Artifact, config: Config) -> None:
    with serving(str(tiny.folder), *FLAGS, cache=config.cache.folder) as running:
        until(running, lambda: 2 == scraped(running).get("goldcrest_workers"))
        left = workers(running)

        running.process.kill()

        until(running, lambda: not any(Path(f"/proc/{worker}").exists() for worker in left))


def test_an_error_at_the_start_is_told_once_and_ends_the_server(
    tmp_path: Path, config: Config
) -> None:
    (tmp_path / "manifest.json").write_text("{}")

    with serving(str(tmp_path), *FLAGS, cache=config.cache.folder) as running:
        assert 1 == running.process.wait(30)

    assert 1 == running.log.count("goldcrest: ")
    assert "Traceback" not in running.log


def test_a_port_that_is_taken_is_named(config: Config) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        flags = (*FLAGS, "--set", f"rpc.port={port}")

        with serving(*flags, cache=config.cache.folder) as running:
            assert 2 == running.process.wait(30)

    assert f"cannot listen on 127.0.0.1 port {port} for gRPC" in running.log
