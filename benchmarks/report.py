"""The results as JSON and as Markdown tables: medians over the repeats."""

import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks import soak, starting
from benchmarks.machine import Machine
from benchmarks.markdown import Row, middle, middle_and_range, number, table
from benchmarks.measure import Level, Run
from benchmarks.peer import BASELINES, Peer
from benchmarks.soak import Soak
from benchmarks.starting import Start
from benchmarks.threads import ENGINE, SLOT_NOTE
from benchmarks.workload import MEDIAN_WORDS, MOST_WORDS, SIGMA, Size


@dataclass(frozen=True)
class Failure:
    """A peer that could not be measured, or whose answers or errors disqualify it."""

    peer: str
    reason: str


@dataclass(frozen=True)
class Results:
    """Everything that one call of the benchmark found out."""

    date: str
    command: str
    machine: Machine
    versions: dict[str, dict[str, str]]
    size: Size
    repeats: int
    spread: float
    peers: tuple[Peer, ...]
    first_start_s: dict[str, float]
    runs: tuple[Run, ...]
    failures: tuple[Failure, ...]
    starts: tuple[Start, ...] = ()
    soak: Soak | None = None

    def of(self, peer: str) -> list[Run]:
        return [run for run in self.runs if run.peer == peer]

    def levels(self, peer: str, clients: int) -> list[Level]:
        """This level of this peer, one per repeat."""
        return [lv for run in self.of(peer) for lv in run.levels if lv.clients == clients]

    @property
    def measured(self) -> list[Peer]:
        return [peer for peer in self.peers if self.of(peer.name)]

    def throughput(self, peer: str, clients: int) -> float | None:
        levels = self.levels(peer, clients)
        return statistics.median(lv.throughput for lv in levels) if levels else None


def as_json(results: Results) -> dict[str, Any]:
    """The raw runs, with what is needed to repeat them."""
    fields = asdict(results)
    fields["peers"] = [_peer_json(peer) for peer in results.peers]
    return fields


def _peer_json(peer: Peer) -> dict[str, Any]:
    return {
        "name": peer.name,
        "title": peer.title,
        "precision": peer.precision,
        "command": list(peer.command),
        "environment": dict(peer.env),
        "tolerance": asdict(peer.tolerance),
    }


def as_markdown(results: Results) -> str:
    """The page a reader sees."""
    parts = (
        "# Goldcrest beside other servers",
        _setting(results),
        *(_load_parts(results) if results.runs else ()),
        *(starting.section(results.starts) if results.starts else ()),
        *(soak.section(results.soak) if results.soak else ()),
        _failures(results.failures),
        *(("## How it was run", _method(results), _commands(results)) if results.runs else ()),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _load_parts(results: Results) -> Iterable[str]:
    return (
        "## Throughput and latency",
        _load_table(results),
        "## Start, memory, answers",
        _peer_table(results),
        "## The cost of a text, and of the benchmark",
        _cost_table(results),
        _threads(results),
    )


def _setting(results: Results) -> str:
    machine = results.machine
    features = ", ".join(machine.features) or "none of those looked for"
    room = f"{machine.cores} cores, {machine.memory_gib} GiB"
    lines = (
        f"Date: {results.date}; command: `{results.command}`",
        f"Processor: {machine.processor}; features: {features}",
        f"{room}, {machine.system}, Python {machine.python}",
        f"Medians of {results.repeats} repeats; in brackets the least and the most"
        if results.runs
        else "",
    )
    return "\n".join(f"- {line}" for line in lines if line)


def _load_table(results: Results) -> str:
    header = [
        *("server", "clients", "texts/s"),
        *(f"x {name}" for name in BASELINES),
        *("p50 ms", "p95 ms", "p99 ms", "errors"),
    ]
    return table(header, (_load_row(results, p, c) for p, c in _pairs(results)))


def _pairs(results: Results) -> Iterable[tuple[Peer, int]]:
    return ((peer, c) for c in results.size.clients for peer in results.measured)


def _load_row(results: Results, peer: Peer, clients: int) -> Row:
    levels = results.levels(peer.name, clients)
    ratios = (_ratio(results, peer.name, name, clients) for name in BASELINES)
    return [
        peer.title,
        str(clients),
        middle_and_range([lv.throughput for lv in levels]),
        *ratios,
        *(
            middle([getattr(lv, field) for lv in levels])
            for field in ("p50_ms", "p95_ms", "p99_ms")
        ),
        str(sum(lv.n_errors for lv in levels)),
    ]


def _ratio(results: Results, peer: str, baseline: str, clients: int) -> str:
    ours, theirs = results.throughput(peer, clients), results.throughput(baseline, clients)
    return f"{ours / theirs:.2f}" if ours is not None and theirs else "-"


def _peer_table(results: Results) -> str:
    header = [
        *("server", "start to first answer, s", "first start ever, s", "until quiet, s"),
        *(
            "resident at start, MiB",
            "after load, MiB",
            "largest difference",
            "mean difference",
            "allowed",
            "same label",
        ),
    ]
    return table(header, (_peer_row(results, peer) for peer in results.measured))


def _peer_row(results: Results, peer: Peer) -> Row:
    runs = results.of(peer.name)
    allowed = peer.tolerance
    return [
        peer.title,
        middle_and_range([run.start_s for run in runs], digits=2),
        number(results.first_start_s.get(peer.name), 2),
        middle([run.settle_s for run in runs], 0),
        middle([run.resident_start_mib for run in runs], 0),
        middle([run.resident_load_mib for run in runs], 0),
        f"{max(run.deviation.largest for run in runs):.5f}",
        f"{max(run.deviation.mean for run in runs):.5f}",
        f"{allowed.largest} / {allowed.mean}",
        f"{min(run.deviation.same_label for run in runs):.1%}",
    ]


COSTS: tuple[tuple[str, str, int], ...] = (
    ("server CPU ms/text", "cpu_ms", 2),
    ("of it engine", "engine_cpu_ms", 2),
    ("engine busy", "engine_busy", 2),
    ("engine idle while texts wait", "engine_idle_waiting", 3),
    ("client CPU ms/text", "client_cpu_ms", 3),
    ("client, of one core", "client_core", 3),
    ("others on the machine, cores", "others_cores", 2),
    ("stolen, cores", "stolen_cores", 2),
)


def _cost_table(results: Results) -> str:
    header = ["server", "clients", *(title for title, _, _ in COSTS)]
    return table(header, (_cost_row(results, p, c) for p, c in _pairs(results)))


def _cost_row(results: Results, peer: Peer, clients: int) -> Row:
    levels = results.levels(peer.name, clients)
    costs = (middle([getattr(lv, field) for lv in levels], d) for _, field, d in COSTS)
    return [peer.title, str(clients), *costs]


def _threads(results: Results) -> str:
    """What a text costs by thread, beside what the server's own metric says of its engine."""
    groups = dict.fromkeys(g for run in results.runs for lv in run.levels for g in lv.threads_ms)
    if not groups:
        return ""
    named = ("engine, the rest" if group == ENGINE else group for group in groups)
    header = ["server", "clients", *named, "engine, by its metric"]
    rows = (_thread_row(results, p, c, tuple(groups)) for p, c in _pairs(results))
    found = table(header, (row for row in rows if row))
    return f"CPU ms/text by thread. {SLOT_NOTE}\n\n{found}"


def _thread_row(results: Results, peer: Peer, clients: int, groups: tuple[str, ...]) -> Row:
    levels = results.levels(peer.name, clients)
    if not any(lv.threads_ms for lv in levels):
        return []
    by_group = (middle([lv.threads_ms.get(group) for lv in levels], 3) for group in groups)
    metric = middle([lv.engine_cpu_ms for lv in levels], 3)
    return [peer.title, str(clients), *by_group, metric]


def _failures(failures: tuple[Failure, ...]) -> str:
    if not failures:
        return ""
    lines = (f"- **{failure.peer}**: {failure.reason}" for failure in failures)
    return "## Failed\n\n" + "\n".join(lines)


def _method(results: Results) -> str:
    size = results.size
    return (
        f"One text a request over kept connections, closed loop; lengths log-normal with a median "
        f"of {MEDIAN_WORDS} words, sigma {SIGMA}, at most {MOST_WORDS}. All texts differ, also "
        f"from those of the warm-up, and every server is given the same ones in the same order. "
        f"A level lasts at least {size.requests} requests (8 for each client) and "
        f"{size.seconds:g} s; throughput counts answers until the moment when no new request was "
        f"due, latency counts all. One server runs at a time, in a fresh process each repeat, and "
        f"every second repeat takes them in reverse order. Of each level {size.checked} answers "
        f"are held against transformers in f32; answers to different texts differ by "
        f"{results.spread:.2f} on average. The first start ever fills the caches that a server "
        f"keeps on disk; start to first answer is that of later starts. After the warm-up the harness "
        f"waits until the server is quiet, since some go on preparing themselves; a text that comes "
        f"meanwhile may wait for that. Resident memory and CPU "
        f"time are those of all the server's processes."
    )


def _commands(results: Results) -> str:
    rows = [[p.title, f"`{' '.join(p.command)}`", _pinned(results, p)] for p in results.measured]
    return table(["server", "command", "versions"], rows)


def _pinned(results: Results, peer: Peer) -> str:
    found = results.versions.get(peer.name, {})
    return ", ".join(f"{name} {version}" for name, version in found.items())
