"""Requests per second of everything but the engine: parse, route, tokenise, queue, answer, encode.

The server is Goldcrest's own, in a process pinned to one core, with an engine that sleeps and
answers zeros;
the client is pinned to another. The server's processor time is told beside the wall clock, because
it hardly changes when others use the machine.
"""

import argparse
import cProfile
import gc
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.client import Plan, run
from goldcrest.app.catalogue import OpenModels
from goldcrest.batching.batcher import Batcher
from goldcrest.batching.policy import Policy
from goldcrest.config import CacheConfig, Config, EngineConfig, ModelConfig, WebConfig
from goldcrest.engine.processor import processor
from goldcrest.metrics import Metrics
from goldcrest.model.site import Site
from goldcrest.serving.observing import Observed
from goldcrest.serving.routing import Routed
from goldcrest.serving.service import Service
from goldcrest.testing import tiny_artifact
from goldcrest.values import Arrays, Grid
from goldcrest.web.app import create
from goldcrest.web.server import run as run_loop
from goldcrest.web.server import serve

TEXT = "the film is very good and we would recommend it to friendly people again"
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
N_WARM = 2000
SWITCH_S = 0.0005
"""As `goldcrest serve` sets it."""


class Zeros:
    """An engine that takes time, so that batches form, but no processor."""

    precision = "zeros"

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def run(self, grid: Grid) -> Arrays:
        time.sleep(self._seconds)
        return {"logits": np.zeros((len(grid.picks), 2), np.float32)}

    def copy(self, *_: object) -> "Zeros":
        return Zeros(self._seconds)

    def close(self) -> None:
        pass


def serve_zeros(core: int, engine_s: float, profile: Path | None) -> None:
    """Serves until SIGTERM, and prints the port first."""
    os.sched_setaffinity(0, {core})
    sys.setswitchinterval(SWITCH_S)
    with tempfile.TemporaryDirectory() as folder:
        artifact = tiny_artifact(Path(folder) / "classifier")
        model = ModelConfig(source=str(artifact.folder), name="classifier", precision="f32")
        config = Config(
            engine=EngineConfig(threads=1, precision="f32"),
            web=WebConfig(port=0),
            cache=CacheConfig(folder=folder),
            models=(model,),
        )
        profiler = cProfile.Profile() if profile else None
        with profiler or nullcontext():
            run_loop(_serve(config, engine_s))
        if profiler and profile:
            profiler.dump_stats(profile)


async def _serve(config: Config, engine_s: float) -> int:
    metrics, routed = Metrics(version="0"), Routed(("classifier",))
    batcher = Batcher(
        policy=Policy(limit_tokens=config.batch.max_waiting_tokens), report=metrics.report
    )
    site = Site(
        cache=Path(config.cache.folder),
        processor=processor(),
        n_threads=1,
        runtime="zeros",
        open_engine=lambda *_: Zeros(engine_s),
        batcher=batcher,
        aside=ThreadPoolExecutor(1),
        tidy=lambda: None,
    )
    models = OpenModels(config, routed, lambda _: None)
    models.open_all(site)
    service = Service(routed, models, lambda p: Observed(p, metrics.record, time.perf_counter))
    app = create(service, config.web, metrics)
    gc.freeze()  # as `goldcrest serve` does
    status = await serve(app, config.web, service, started=_announce)
    batcher.close()
    models.close(5.0)
    return status


def _announce(_host: str, port: int) -> None:
    print(port, flush=True)


@contextmanager
def _server(core: int, engine_ms: float, profile: Path | None) -> Iterator[tuple[int, int]]:
    """Starts the server; gives its process id and its port."""
    command = [sys.executable, "-m", "benchmarks.python_path", "--serve", str(core)]
    command += ["--engine-ms", str(engine_ms)]
    command += ["--profile", str(profile)] if profile else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101  # it is a pipe
        try:
            yield process.pid, int(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def measure(seconds: float, n_clients: int, engine_ms: float, profile: Path | None) -> None:
    """Prints requests per second, and the server's processor time for each."""
    *_, client_core, server_core = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {client_core})
    bodies = (msgspec.json.encode({"text": TEXT}).decode(),)
    with _server(server_core, engine_ms, profile) as (pid, port):
        plan = Plan(port, "/classify", bodies * N_WARM, clients=n_clients, at_least=N_WARM)
        run(plan)
        before = _cpu_s(pid)
        plan = Plan(
            port,
            "/classify",
            bodies * int(20_000 * seconds),
            n_clients,
            at_least=0,
            seconds=seconds,
        )
        seen = run(plan)
        cpu_s = _cpu_s(pid) - before
    print(
        f"{seen.throughput:,.0f} requests/s with {n_clients} clients on one core; "
        f"{cpu_s / seen.n_answers * 1e6:.0f} us of processor time each, "
        f"which is {seen.n_answers / cpu_s:,.0f} requests/s of a whole core; "
        f"median {np.median(seen.latencies_ms):.1f} ms; {seen.n_errors} errors"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--engine-ms", type=float, default=2.0, help="what a grid takes")
    parser.add_argument("--profile", type=Path, help="write a profile of the server's event loop")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve is not None:
        serve_zeros(given.serve, given.engine_ms / 1e3, given.profile)
    else:
        measure(given.seconds, given.clients, given.engine_ms, given.profile)


if __name__ == "__main__":
    main()
