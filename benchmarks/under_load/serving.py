"""Goldcrest as it is measured here: started with settings, asked for its own readings."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.process import PAGE_BYTES, BenchmarkError, Started, started
from benchmarks.server import exchange, free_port
from benchmarks.under_load.driving import drive
from benchmarks.under_load.plan import Plan, Stream
from benchmarks.under_load.texts import Language, body, language

ROOT = Path(__file__).parents[2]
BUILTIN = ROOT / "src" / "goldcrest" / "builtin" / "sentiment"
START_LIMIT_S = 120.0
POLL_S = 0.02
MIB = 2**20

Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Model:
    """What is served.

    Attributes:
        deadline_s: what counts as in time, for this size of model.
        n_texts: different texts that are sent; each is asked of the idle server once.
        tolerance: of an answer; see ``Idle``.
    """

    name: str
    title: str
    artifact: Path
    deadline_s: float
    n_texts: int
    tolerance: float = 0.01

    @property
    def language(self) -> Language:
        return language(self.artifact / "tokenizer.json")


SENTIMENT = Model("builtin", "built-in model", BUILTIN, deadline_s=0.2, n_texts=3000)
DISTILBERT = Model(
    "distilbert",
    "DistilBERT-shaped INT8",
    ROOT / ".bench" / "artifact",
    deadline_s=1.0,
    n_texts=600,
    tolerance=0.04,  # its weights are random: where a sum in another order rounds one 8-bit number to
    # the other side, an answer moves by some hundredths now and then
)


@dataclass(frozen=True)
class Launch:
    """How a server is started.

    Attributes:
        settings: keys and values, as ``--set`` takes them.
        poison_id: a token on which its engine fails; it is put there from outside, see ``poison/``.
        enter: called in the server's process before the command, as to limit it.
    """

    model: Model
    settings: Mapping[str, object] = field(default_factory=dict)
    poison_id: int | None = None
    enter: Callable[[], None] | None = None
    precision: str = "int8"

    def command(self, port: int) -> list[str]:
        words = [sys.executable, "-m", "goldcrest.cli.main", "serve"]
        words += [str(self.model.artifact), "--name", "m", "--port", str(port)]
        words += ["--precision", self.precision]
        for key, value in self.settings.items():
            words += ["--set", f"{key}={value}"]
        return words

    def environment(self) -> dict[str, str]:
        if self.poison_id is None:
            return {}
        hook = Path(__file__).parent / "poison"
        path = os.pathsep.join(filter(None, (str(hook), os.environ.get("PYTHONPATH"))))
        return {"PYTHONPATH": path, "UNDER_LOAD_POISON": str(self.poison_id)}


@dataclass(frozen=True)
class Memory:
    """Resident and private data bytes of one process."""

    pid: int
    resident: int


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    launch: Launch
    port: int
    started: Started
    home: Path

    @property
    def pid(self) -> int:
        return self.started.process.pid

    def get(self, path: str) -> str:
        return exchange(self.port, "GET", path)

    def readings(self) -> Readings:
        """Its metrics, now."""
        return Readings.parse(self.get("/metrics"))

    def batches(self) -> dict[str, Any]:
        """What it says of its grids; empty where it says nothing."""
        with suppress(OSError, ValueError):
            found: dict[str, Any] = json.loads(self.get("/debug/batches"))
            return found
        return {}

    def memory(self) -> list[Memory]:
        """Of the server and every process below it."""
        found = []
        for pid in (self.pid, *descendants(self.pid)):
            with suppress(OSError, IndexError):
                pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
                found.append(Memory(pid, pages * PAGE_BYTES))
        return found

    @property
    def resident_mib(self) -> float:
        return sum(one.resident for one in self.memory()) / MIB

    def cpu_s(self) -> float:
        return self.started.usage().cpu_s

    def workers(self) -> list[int]:
        """The processes that serve: those below the first one that hold a model, or itself."""
        below = [one for one in self.memory() if one.pid != self.pid]
        serving = [one.pid for one in below if one.resident > 60 * MIB]
        return serving or [self.pid]


def descendants(pid: int) -> list[int]:
    """All processes below this one."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                parents.setdefault(parent, []).append(int(folder.name))
    found, left = [], [pid]
    while left:
        children = parents.get(left.pop(), [])
        found += children
        left += children
    return found


@dataclass(frozen=True)
class Readings:
    """A server's metrics at one moment."""

    values: Mapping[tuple[str, Labels], float]

    @classmethod
    def parse(cls, text: str) -> Readings:
        return cls(
            {
                (sample.name, frozenset(sample.labels.items())): float(sample.value)
                for family in text_string_to_metric_families(text)
                for sample in family.samples
            }
        )

    def total(self, name: str, **labels: str) -> float:
        """The sum of a metric over all label values but these."""
        wanted = frozenset(labels.items())
        full = f"goldcrest_{name}"
        return sum(v for (n, have), v in self.values.items() if n == full and wanted <= have)

    def since(self, before: Readings, name: str, **labels: str) -> float:
        """What a counter grew by."""
        return self.total(name, **labels) - before.total(name, **labels)


@contextmanager
def serving(launch: Launch, home: Path, *, log: str = "server") -> Iterator[Server]:
    """Starts a server, waits until it is ready and warm, and ends it.

    Raises:
        BenchmarkError: it ended, or was not ready in time.
    """
    port = free_port()
    file = home / "logs" / f"{log}.log"
    environment = {
        "GOLDCREST_CACHE__FOLDER": str(home / "cache"),
        "OPENBLAS_NUM_THREADS": "1",
        **launch.environment(),
    }
    with started(
        launch.command(port), env=environment, folder=home, log=file, enter=launch.enter
    ) as process:
        server = Server(launch, port, process, home)
        _wait_until_ready(server)
        yield server


def _wait_until_ready(server: Server) -> None:
    begun = time.perf_counter()
    while True:
        if not server.started.is_running:
            raise BenchmarkError(f"the server ended:\n{server.started.last_words()}")
        with suppress(OSError):
            server.get("/health/ready")
            return
        if time.perf_counter() - begun > START_LIMIT_S:
            raise BenchmarkError(f"not ready in time:\n{server.started.last_words()}")
        time.sleep(POLL_S)


def warm(server: Server, texts: Sequence[str], *, seconds: float = 4.0) -> float:
    """Loads the server until its shapes are warm; answers a second while it did."""
    bodies = tuple(body(text) for text in texts)
    stream = Stream(name="warm", bodies=bodies, clients=32, seconds=seconds)
    seen = drive(Plan(port=server.port, streams=(stream,)), server.home).stream("warm")
    return sum(status == 200 for status in seen.status) / seconds


def cores() -> list[int]:
    """The processors that we may use."""
    return sorted(os.sched_getaffinity(0))
