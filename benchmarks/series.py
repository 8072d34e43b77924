"""All measurements of one call, part by part: load, starts, and memory over many requests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from rich.progress import Progress

from benchmarks.measure import Run, measure, prime
from benchmarks.peer import Peer, Site, builtin
from benchmarks.process import BenchmarkError
from benchmarks.report import Failure
from benchmarks.server import free_port, serving
from benchmarks.soak import Soak, part_sizes, soak
from benchmarks.stage import Stage
from benchmarks.starting import Start, Starter
from benchmarks.workload import N_PROBES, Script

PARTS = ("load", "start", "soak")
STARTED = ("guide", "goldcrest-int8")
SOAKED = "goldcrest-int8"
FAULTS = (BenchmarkError, OSError, ValueError, LookupError, TypeError)


def parts_of(given: str) -> tuple[str, ...]:
    """The parts with these names, in the order in which they run."""
    wanted = set(given.split(","))
    if unknown := wanted - set(PARTS):
        raise ValueError(f"unknown parts {sorted(unknown)}; known: {list(PARTS)}")
    return tuple(part for part in PARTS if part in wanted)


@dataclass
class Series:
    """All measurements, as they come in."""

    stage: Stage
    parts: tuple[str, ...]
    n_starts: int
    n_soak: int
    runs: list[Run] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    first_start_s: dict[str, float] = field(default_factory=dict)
    starts: list[Start] = field(default_factory=list)
    soak: Soak | None = None

    @property
    def n_steps(self) -> int:
        steps = {
            "load": len(self.stage.scripts)
            * len(self.stage.peers)
            * len(self.stage.bench.size.clients),
            "start": self.n_starts * len(self._starters),
            "soak": (1 + len(part_sizes(self.n_soak))) * len(self._soaked),
        }
        return sum(steps[part] for part in self.parts)

    def run(self, progress: Progress) -> None:
        """All parts that were asked for."""
        act = {"load": self._load, "start": self._start, "soak": self._soak}
        for part in self.parts:
            act[part](progress)

    def _load(self, progress: Progress) -> None:
        """Every repeat takes all peers, every second one in reverse, against drift."""
        for repeat, script in enumerate(self.stage.scripts):
            ordered = self.stage.peers[:: -1 if repeat % 2 else 1]
            for peer in ordered:
                self._run_peer(peer, script, repeat=repeat, progress=progress)

    def _run_peer(self, peer: Peer, script: Script, *, repeat: int, progress: Progress) -> None:
        def on_level(clients: int) -> None:
            _advance(progress, f"repeat {repeat + 1}: {peer.name}, {clients} clients")

        with self._noting(peer, f"repeat {repeat + 1}"):
            self._prime(peer, script)
            run = measure(
                peer,
                self._site(peer),
                bench=self.stage.bench,
                script=script,
                repeat=repeat,
                on_level=on_level,
            )
            self.runs.append(run)
            self.failures.extend(faults(peer, run))

    def _prime(self, peer: Peer, script: Script) -> None:
        if peer.name not in self.first_start_s:
            start_s = prime(peer, self._site(peer), self.stage.bench, script)
            self.first_start_s[peer.name] = start_s

    def _start(self, progress: Progress) -> None:
        """The servers take turns, so that a busy moment of the machine meets all of them."""
        probes = self.stage.texts.take(N_PROBES)
        starter = Starter(self._site, probes, self.stage.bench.log)
        for repeat in range(self.n_starts):
            for peer in self._starters:
                _advance(progress, f"start {repeat + 1}: {peer.name}")
                with self._noting(peer, f"start {repeat + 1}"):
                    self.starts.extend(starter.twice(peer))

    def _soak(self, progress: Progress) -> None:
        for peer in self._soaked:
            log = self.stage.bench.log(peer)
            probes = self.stage.texts.take(N_PROBES)
            with (
                self._noting(peer, "soak"),
                serving(peer, self._site(peer), probes=probes, log=log) as server,
            ):
                on_part = partial(_advance, progress, f"soak: {peer.name}")
                self.soak = soak(server, self.stage.bench, self.stage.texts, self.n_soak, on_part)

    @contextmanager
    def _noting(self, peer: Peer, what: str) -> Iterator[None]:
        """Notes a failure and lets the others be measured."""
        try:
            yield
        except FAULTS as error:
            self.failures.append(Failure(peer.name, f"{what}: {error}"))

    @property
    def _starters(self) -> tuple[Peer, ...]:
        """The servers whose starts are compared: INT8 and what stands beside it."""
        chosen = tuple(peer for peer in self.stage.peers if peer.name in STARTED)
        return (*chosen, builtin())

    @property
    def _soaked(self) -> tuple[Peer, ...]:
        return tuple(peer for peer in self.stage.peers if peer.name == SOAKED)

    def _site(self, peer: Peer) -> Site:
        return self.stage.site(peer, free_port())


def _advance(progress: Progress, description: str) -> None:
    progress.update(progress.task_ids[0], description=description, advance=1)


def faults(peer: Peer, run: Run) -> list[Failure]:
    """What is wrong with a run that came to its end."""
    found = [
        Failure(peer.name, f"{lv.n_errors} errors at {lv.clients} clients, first: {lv.first_error}")
        for lv in run.levels
        if lv.n_errors
    ]
    if not run.deviation.is_within(peer.tolerance):
        found.append(Failure(peer.name, f"answers out of tolerance: {run.deviation}"))
    return found
