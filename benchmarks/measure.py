"""One peer, once: started, warmed, loaded level by level, held against the reference."""

import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.answers import Deviation, Reference, deviation
from benchmarks.client import Outcome, Plan, outcome_from_json, to_json
from benchmarks.peer import Peer, Site
from benchmarks.process import BenchmarkError, MachineTime, Usage, machine_time, run_to_end
from benchmarks.server import Server, serving
from benchmarks.threads import ms_by_group
from benchmarks.workload import Script, Size

MIB = 2**20
WARM_UP_CLIENTS = 32
SETTLE_STEP_S = 1.0
SETTLE_LIMIT_S = 90.0
QUIET_CORES = 0.05
ENGINE_CPU = "goldcrest_engine_cpu_seconds_total"
ENGINE_BUSY = "goldcrest_engine_busy_seconds_total"
ENGINE_IDLE = "goldcrest_engine_idle_while_waiting_seconds_total"


@dataclass(frozen=True)
class Level:
    """What one number of clients saw, and what it cost.

    Shares are of one core; `engine_*` is None where the server does not tell, and `threads_ms`, the
    processor time of a text by what the threads do, is empty where it does not name them. `others_cores` is
    what neither the server nor the benchmark used: noise from the rest of the machine.
    """

    clients: int
    n_answers: int
    n_errors: int
    first_error: str | None
    throughput: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_ms: float
    threads_ms: dict[str, float]
    engine_cpu_ms: float | None
    engine_busy: float | None
    engine_idle_waiting: float | None
    client_core: float
    client_cpu_ms: float
    others_cores: float
    stolen_cores: float


@dataclass(frozen=True)
class Run:
    """One peer in one repeat.

    `settle_s` is how long it went on working by itself after the warm-up.
    """

    peer: str
    repeat: int
    start_s: float
    settle_s: float
    resident_start_mib: float
    resident_load_mib: float
    levels: tuple[Level, ...]
    deviation: Deviation


@dataclass(frozen=True)
class Snapshot:
    """All counters at one moment."""

    at: float
    server: Usage
    machine: MachineTime
    ours_s: float
    counters: dict[str, float]
    threads: dict[str, float] | None


def snapshot(server: Server) -> Snapshot:
    """Reads the counters of the server, the machine and the benchmark itself."""
    counters = server.counters()
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ours = sum(sum(resource.getrusage(kind)[:2]) for kind in kinds)
    usage, threads = server.started.usage(), server.threads()
    return Snapshot(time.perf_counter(), usage, machine_time(), ours, counters, threads)


@dataclass(frozen=True)
class Bench:
    """What all measurements share: the load, the expected answers, where to work."""

    root: Path
    home: Path
    size: Size
    reference: Reference

    def log(self, peer: Peer) -> Path:
        return self.home / "logs" / f"{peer.name}.log"

    def load(self, server: Server, texts: Sequence[str], **options: Any) -> Outcome:
        """Sends a text a request; the options are those of a plan."""
        bodies = tuple(server.peer.body(text) for text in texts)
        return self.send(server, bodies, **options)

    def send(self, server: Server, bodies: tuple[str, ...], **options: Any) -> Outcome:
        """Runs the client in its own process."""
        plan = Plan(server.port, server.peer.path, bodies, **options)
        asked, seen = self.home / "plan.json", self.home / "outcome.json"
        asked.write_text(to_json(plan))
        command = (sys.executable, "-m", "benchmarks.client", str(asked), str(seen))
        run_to_end(command, folder=self.root, log=self.home / "logs" / "client.log")
        return outcome_from_json(seen.read_text())


def prime(peer: Peer, site: Site, bench: Bench, script: Script) -> float:
    """A first start that fills the caches a server keeps on disk; its seconds."""
    with serving(peer, site, probes=script.priming, log=bench.log(peer)) as server:
        return server.start_s


def measure(
    peer: Peer,
    site: Site,
    *,
    bench: Bench,
    script: Script,
    repeat: int,
    on_level: Callable[[int], None],
) -> Run:
    """Starts the peer, warms it, and runs all levels."""
    with serving(peer, site, probes=script.probes, log=bench.log(peer)) as server:
        resident_start = server.started.usage().resident_bytes
        settle_s = warm_up(server, bench, script)
        measured = []
        for clients in bench.size.clients:
            on_level(clients)
            measured.append(measure_level(server, bench, script.levels[clients], clients))
        resident_load = server.started.usage().resident_bytes
    answers = [answer for _, kept in measured for answer in kept]
    return Run(
        peer=peer.name,
        repeat=repeat,
        start_s=server.start_s,
        settle_s=settle_s,
        resident_start_mib=resident_start / MIB,
        resident_load_mib=resident_load / MIB,
        levels=tuple(level for level, _ in measured),
        deviation=_deviation(peer, answers, bench.reference),
    )


def _deviation(peer: Peer, answers: list[tuple[str, str]], reference: Reference) -> Deviation:
    probabilities = [peer.answer(body) for _, body in answers]
    return deviation(probabilities, reference.of([text for text, _ in answers]))


def warm_up(server: Server, bench: Bench, script: Script) -> float:
    """Warms every server by the same texts, then waits until it is quiet; the seconds of that."""
    n = len(script.warm_up)
    outcome = bench.load(server, script.warm_up, clients=min(WARM_UP_CLIENTS, n), at_least=n)
    if outcome.n_errors:
        raise BenchmarkError(f"{outcome.n_errors} errors in the warm-up: {outcome.first_error}")
    return settle(server)


def settle(server: Server) -> float:
    """Waits while the server works without being asked to, as some do after they are ready."""
    began = time.perf_counter()
    while time.perf_counter() - began < SETTLE_LIMIT_S:
        before = server.started.usage().cpu_s
        time.sleep(SETTLE_STEP_S)
        if server.started.usage().cpu_s - before < QUIET_CORES * SETTLE_STEP_S:
            break
    return time.perf_counter() - began - SETTLE_STEP_S


def measure_level(
    server: Server, bench: Bench, texts: list[str], clients: int
) -> tuple[Level, list[tuple[str, str]]]:
    """Runs one level; also gives back the texts to be checked, with their answers."""
    size = bench.size
    before = snapshot(server)
    outcome = bench.load(
        server,
        texts,
        clients=clients,
        at_least=size.at_least(clients),
        seconds=size.seconds,
        keep=size.keep,
    )
    level = level_of(clients, outcome, before=before, after=snapshot(server))
    return level, [(texts[index], body) for index, body in outcome.kept.items()]


def level_of(clients: int, outcome: Outcome, *, before: Snapshot, after: Snapshot) -> Level:
    """Puts a level's numbers together."""
    n, wall_s = max(1, outcome.n_answers), after.at - before.at
    server_s = after.server.cpu_s - before.server.cpu_s
    ours_s = after.ours_s - before.ours_s
    busy_s = after.machine.busy_s - before.machine.busy_s
    engine = {name: _grown(name, before, after) for name in (ENGINE_CPU, ENGINE_BUSY, ENGINE_IDLE)}
    p50, p95, p99 = percentiles(outcome.latencies_ms)
    return Level(
        clients=clients,
        n_answers=outcome.n_answers,
        n_errors=outcome.n_errors,
        first_error=outcome.first_error,
        throughput=outcome.throughput,
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        cpu_ms=server_s * 1000 / n,
        threads_ms=ms_by_group(before.threads, after.threads, n),
        engine_cpu_ms=_scaled(engine[ENGINE_CPU], 1000 / n),
        engine_busy=_scaled(engine[ENGINE_BUSY], 1 / outcome.wall_s),
        engine_idle_waiting=_scaled(engine[ENGINE_IDLE], 1 / outcome.wall_s),
        client_core=outcome.cpu_s / outcome.wall_s,
        client_cpu_ms=outcome.cpu_s * 1000 / n,
        others_cores=max(0.0, busy_s - server_s - ours_s) / wall_s,
        stolen_cores=(after.machine.stolen_s - before.machine.stolen_s) / wall_s,
    )


def percentiles(latencies_ms: tuple[float, ...]) -> tuple[float, float, float]:
    """The median, the 95th and the 99th; zeros when nothing was answered."""
    if not latencies_ms:
        return 0.0, 0.0, 0.0
    p50, p95, p99 = np.percentile(latencies_ms, (50, 95, 99))
    return float(p50), float(p95), float(p99)


def _grown(name: str, before: Snapshot, after: Snapshot) -> float | None:
    if name not in after.counters:
        return None
    return after.counters[name] - before.counters.get(name, 0.0)


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
