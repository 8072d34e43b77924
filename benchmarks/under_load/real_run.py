"""Real runs for the simulator's comparison: a server, a load, what it did, and who disturbed."""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from benchmarks.process import Started, machine_time, run_to_end, started
from benchmarks.server import exchange, free_port, read_metrics
from benchmarks.under_load.open_loop import Came, Sending, hurry
from benchmarks.workload import Texts, find_vocabulary, vocabulary_words
from goldcrest.loadtest.fitting import Observed, ratios

ROOT = Path(__file__).resolve().parents[2]
FOREIGN = 0.3
"""The share of the machine that others may take during a run that counts."""
N_TRIES = 2
QUIET_S = 5.0
SETTINGS = ("cache.answers_mib=0", "engine.warm=all")


@dataclass(frozen=True)
class Run:
    """One real stretch of load."""

    rate: float
    due: tuple[float, ...]
    lengths: tuple[int, ...]
    came: Came
    before: dict[str, float]
    after: dict[str, float]
    grids: tuple[tuple[str, float, float], ...]
    foreign: float

    def counted(self, name: str) -> float:
        key = f"goldcrest_{name}"
        return self.after[key] - self.before.get(key, 0.0)

    @property
    def is_whole(self) -> bool:
        return all(status == 200 for status in self.came.statuses)

    def quantile_ms(self, share: float) -> float:
        return float(np.quantile(self.came.seconds, share)) * 1000

    def observed(self, costs: Mapping[str, float]) -> Observed:
        fresh, steady = ratios(self.grids, costs)
        return Observed(
            rate=self.rate,
            n_requests=len(self.due),
            engine_s=self.counted("engine_busy_seconds_total"),
            loop_s=self.counted("loop_cpu_seconds_total"),
            p50_s=self.quantile_ms(0.5) / 1000,
            fresh=fresh,
            steady=steady,
        )


@dataclass(frozen=True)
class Bench:
    """A running server and the texts for it."""

    port: int
    process: Started
    texts: Texts
    tokenizer: Tokenizer
    folder: Path

    def run(self, rate: float, seconds: float, *, seed: int, n_tries: int = N_TRIES) -> Run:
        """Load the server; if others took too much of the machine, again, and take the best."""
        runs: list[Run] = []
        _wait_for_quiet()
        for attempt in range(n_tries):
            runs.append(self._run_once(rate, seconds, seed=seed + 1000 * attempt))
            if runs[-1].foreign < FOREIGN:
                break
        return min(runs, key=lambda run: run.foreign)

    def _run_once(self, rate: float, seconds: float, *, seed: int) -> Run:
        n = max(150, int(rate * seconds))
        due = np.random.default_rng(seed).exponential(1 / rate, n).cumsum()
        texts = self.texts.take(n)
        sending = Sending(
            self.port,
            "/classify",
            tuple(due.tolist()),
            tuple(json.dumps({"text": text}) for text in texts),
        )
        before, busy = self.metrics(), self._foreign_s()
        came = self._send(sending)
        foreign_s = self._foreign_s() - busy - came.cpu_s
        after, cores = self.metrics(), len(os.sched_getaffinity(0))
        return Run(
            rate=rate,
            due=sending.due,
            lengths=tuple(len(self.tokenizer.encode(text).ids) for text in texts),
            came=came,
            before=before,
            after=after,
            grids=self.grids(),
            foreign=foreign_s / (cores * float(due[-1])),
        )

    def _foreign_s(self) -> float:
        """Processor seconds of the machine that are not the server's."""
        now = machine_time()
        return now.busy_s + now.stolen_s - self.process.usage().cpu_s

    def _send(self, sending: Sending) -> Came:
        sent, came = self.folder / "sent.json", self.folder / "came.json"
        sent.write_text(json.dumps(asdict(sending)))
        command = [sys.executable, "-m", "benchmarks.under_load.open_loop", str(sent), str(came)]
        run_to_end(command, folder=ROOT, log=self.folder / "client.log")
        return _came(json.loads(came.read_text()))

    def metrics(self) -> dict[str, float]:
        return read_metrics(exchange(self.port, "GET", "/metrics"))

    def grids(self) -> tuple[tuple[str, float, float], ...]:
        """The last grids that the server tells of: the shape, when it began, what it took."""
        told = json.loads(exchange(self.port, "GET", "/debug/batches"))["recent"]
        return tuple((f"{run['rows']}x{run['width']}", run["at"], run["run_s"]) for run in told)


def _wait_for_quiet() -> None:
    """Wait, for half a minute at most, for half a second in which others take little."""
    until = time.perf_counter() + QUIET_S
    while time.perf_counter() < until:
        before = machine_time()
        time.sleep(0.5)
        after = machine_time()
        taken = after.busy_s + after.stolen_s - before.busy_s - before.stolen_s
        if taken < FOREIGN * 0.5 * len(os.sched_getaffinity(0)):
            return


def _came(fields: Mapping[str, Any]) -> Came:
    return Came(
        seconds=tuple(fields["seconds"]),
        statuses=tuple(fields["statuses"]),
        late_s=tuple(fields["late_s"]),
        cpu_s=fields["cpu_s"],
    )


@contextmanager
def serving(model: str, folder: Path) -> Iterator[Started]:
    """A server of the model on a free port; the port is in the file beside its log."""
    port = free_port()
    command = [sys.executable, "-m", "goldcrest.cli.main", "serve", model, "--port", str(port)]
    for setting in SETTINGS:
        command += ["--set", setting]
    env = {"GOLDCREST_CACHE__FOLDER": str(folder / "cache")}
    with started(command, env=env, folder=ROOT, log=folder / "server.log") as process:
        hurry(str(process.process.pid))
        (folder / "port").write_text(str(port))
        _until_ready(port, process)
        yield process


def _until_ready(port: int, process: Started) -> None:
    until = time.perf_counter() + 180
    while time.perf_counter() < until and process.is_running:
        with suppress(OSError):
            exchange(port, "GET", "/health/ready")
            return
        time.sleep(0.05)
    raise SystemExit(f"the server did not become ready:\n{process.last_words()}")


def _noted_costs(folder: Path) -> dict[str, float]:
    """What a server that has ended noted of its engine's costs."""
    for file in (folder / "cache" / "measured").glob("*.json"):
        for costs in json.loads(file.read_text())["costs"].values():
            return dict(costs)
    raise SystemExit("the server noted no costs")


def measure_costs(model: str, folder: Path) -> dict[str, float]:
    """Let a server measure its whole ladder while nobody asks it anything."""
    with serving(model, folder) as process:
        process.process.send_signal(signal.SIGTERM)
        process.process.wait(60)
    return _noted_costs(folder)


def bench_of(model: str, folder: Path, process: Started) -> Bench:
    builtin = ROOT / "src" / "goldcrest" / "builtin" / model
    artifact = builtin if builtin.is_dir() else Path(model)
    words = vocabulary_words(find_vocabulary(None, ROOT))
    return Bench(
        port=int((folder / "port").read_text()),
        process=process,
        texts=Texts(words, seed=7),
        tokenizer=Tokenizer.from_file(str(artifact / "tokenizer.json")),
        folder=folder,
    )
