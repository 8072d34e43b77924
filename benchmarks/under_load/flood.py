"""A bulk flood: interactive work hardly notices it, and bulk loses little."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.under_load.accounting import Account, Judge
from benchmarks.under_load.driving import drive, every
from benchmarks.under_load.figures import Bar, middle, percentile
from benchmarks.under_load.plan import Plan, Sight, Stream
from benchmarks.under_load.result import Bench, Result
from benchmarks.under_load.serving import (
    DISTILBERT,
    SENTIMENT,
    Launch,
    Model,
    Server,
    serving,
    warm,
)
from benchmarks.under_load.settings import NO_CACHE, headers, open_loop
from benchmarks.under_load.texts import ask_idle, body

PER_REQUEST = 64
BULK_CLIENTS = 6
SHARE = 0.1
"""Of the engine's time, by what a lone short text takes of it."""
LONGEST_GRID_MS = 20.0
KEPT_OF_BULK = 0.75
POLL_S = 1.0
"""A server tells of its last 256 grids; to ask more often takes processor time from those that run."""
SETTLE_S = 0.5
"""Of each phase this is left out: both kinds of work begin at once, and the first grid is of bulk alone."""


@dataclass
class Grids:
    """The grids that a server told of, each once, by lane and moment."""

    known: dict[tuple[str, float], Mapping[str, Any]] = field(default_factory=dict)

    def look(self, server: Server) -> None:
        """Reads the last ones."""
        for grid in server.batches().get("recent", ()):
            self.known[grid["lane"], grid["at"]] = grid

    def tokens_s(self, seconds: float) -> float:
        """Tokens a second that were run once the flood had begun, until nothing new was sent."""
        moments = [at for _, at in self.known]
        begin, end = min(moments) + SETTLE_S, min(moments) + seconds
        ran = sum(g["n_tokens"] for g in self.known.values() if begin <= g["at"] <= end)
        return float(ran / (end - begin))

    def bulk_ms(self) -> list[float]:
        """Milliseconds of each grid that ran bulk texts."""
        return [g["run_s"] * 1e3 for g in self.known.values() if g["jobs"].get("bulk")]


@dataclass(frozen=True)
class Phase:
    """What was seen of one phase: alone, bulk or both."""

    interactive_ms: tuple[float, ...]
    bulk_tokens_s: float
    grids_ms: tuple[float, ...]
    n_refused: int
    account: Account


@dataclass(frozen=True)
class Flood:
    """A server and the two kinds of work it is given."""

    server: Server
    short: list[str]
    bulk: list[list[str]]
    short_tokens: float
    judges: Mapping[str, Judge]
    rate: float

    def interactive(self, seconds: float, seed: int) -> Stream:
        sent = headers(priority="interactive")
        return open_loop("interactive", self.short, self.rate, seconds, sent=sent, seed=seed)

    def flood(self, seconds: float) -> Stream:
        return Stream(
            name="bulk",
            bodies=tuple(body(texts) for texts in self.bulk),
            headers=headers(priority="bulk"),
            clients=BULK_CLIENTS,
            seconds=seconds,
        )

    def phase(self, *streams: Stream) -> Phase:
        """Runs streams side by side."""
        grids = Grids()
        plan = Plan(port=self.server.port, streams=streams)
        grids.look(self.server)
        before = set(grids.known)
        with every(POLL_S, lambda: grids.look(self.server)):
            sight = drive(plan, self.server.home)
        grids.look(self.server)
        for old in before:
            grids.known.pop(old)
        return self._phase(sight, grids, max(stream.seconds for stream in streams))

    def _phase(self, sight: Sight, grids: Grids, seconds: float) -> Phase:
        seen = {stream.name: stream for stream in sight.streams}
        alone = seen.get("interactive")
        accounts = [self.judges[name].account(stream) for name, stream in seen.items()]
        beside = self.rate * self.short_tokens if alone else 0.0
        return Phase(
            interactive_ms=tuple(alone.latencies_ms(since=SETTLE_S).tolist()) if alone else (),
            bulk_tokens_s=grids.tokens_s(seconds) - beside if "bulk" in seen else float("nan"),
            grids_ms=tuple(grids.bulk_ms()),
            n_refused=sum(account.n_refused for account in accounts),
            account=sum(accounts[1:], accounts[0]),
        )


def run(bench: Bench) -> list[Result]:
    """The built-in model and the larger one."""
    return [measure(bench, model) for model in (SENTIMENT, DISTILBERT)]


def measure(bench: Bench, model: Model) -> Result:
    """Runs the three phases in turn, several times."""
    with serving(Launch(model, NO_CACHE), bench.home) as server:
        flood = prepare(server, model, bench)
        phases: dict[str, list[Phase]] = {"alone": [], "bulk": [], "both": []}
        for number in range(bench.repeats(4)):
            seconds = bench.seconds(8)
            phases["alone"].append(flood.phase(flood.interactive(seconds, number)))
            phases["bulk"].append(flood.phase(flood.flood(seconds)))
            both = flood.interactive(seconds, 50 + number), flood.flood(seconds)
            phases["both"].append(flood.phase(*both))
            bench.say(f"{model.name}: {_line(phases, number)}")
    return _result(model, flood, phases)


def prepare(server: Server, model: Model, bench: Bench) -> Flood:
    """Asks the idle server, warms it, and chooses the interactive rate."""
    words = model.language
    n_requests = max(8, model.n_texts // PER_REQUEST)
    mixed = words.mixed(n_requests * PER_REQUEST, seed=21)
    short = words.short(200, seed=22)
    bulk = [mixed[at : at + PER_REQUEST] for at in range(0, len(mixed), PER_REQUEST)]
    idle = ask_idle(server.port, [*short, *mixed], tolerance=model.tolerance)
    warm(server, mixed, seconds=bench.seconds(6))
    lone = Stream(name="lone", bodies=tuple(map(body, short)), clients=1, seconds=2.0)
    sight = drive(Plan(port=server.port, streams=(lone,)), server.home)
    lone_s = percentile(sight.stream("lone").latencies_ms(), 50) / 1e3
    return Flood(
        server=server,
        short=short,
        bulk=bulk,
        short_tokens=statistics.mean(words.n_tokens(short)),
        judges={
            "interactive": Judge([[text] for text in short], idle),
            "bulk": Judge(bulk, idle),
        },
        rate=SHARE / lone_s,
    )


def _line(phases: Mapping[str, list[Phase]], number: int) -> str:
    alone, bulk, both = (phases[name][number] for name in ("alone", "bulk", "both"))
    return (
        f"p99 {percentile(alone.interactive_ms, 99):.1f} alone, "
        f"{percentile(both.interactive_ms, 99):.1f} ms in the flood; bulk "
        f"{bulk.bulk_tokens_s:.0f} alone, {both.bulk_tokens_s:.0f} tokens/s; "
        f"grid p99 {percentile(both.grids_ms, 99):.1f} ms"
    )


def _result(model: Model, flood: Flood, phases: Mapping[str, list[Phase]]) -> Result:
    alone = percentile([ms for p in phases["alone"] for ms in p.interactive_ms], 99)
    both = percentile([ms for p in phases["both"] for ms in p.interactive_ms], 99)
    grids = [ms for p in phases["both"] for ms in p.grids_ms]
    grid = percentile(grids, 99)
    kept = [
        beside.bulk_tokens_s / by_itself.bulk_tokens_s
        for by_itself, beside in zip(phases["bulk"], phases["both"], strict=True)
    ]
    result = Result("flood", model.title)
    result.bars = [
        Bar("interactive p99 in the flood; bar: alone and one bulk grid", both, alone + grid, "ms"),
        Bar("that bulk grid (p99 of those that ran)", grid, LONGEST_GRID_MS, "ms"),
        Bar("bulk, of its own maximum (median)", middle(kept), KEPT_OF_BULK, "", is_floor=True),
    ]
    result.rows = [["phase", "p50 ms", "p99 ms", "bulk tokens/s", "grid p50 ms", "p99", "most"]]
    result.rows += [_row(name, found) for name, found in phases.items()]
    for name, found in phases.items():
        result.accounts[name] = sum((p.account for p in found[1:]), found[0].account)
    result.notes = [
        (
            f"Interactive: {flood.rate:.0f} texts/s of {SHARE:.0%} of the engine's time, 8 words each; "
            f"bulk: {BULK_CLIENTS} clients, {PER_REQUEST} texts of mixed lengths a request; "
            f"{len(grids)} grids with bulk texts were seen in the flood."
        )
    ]
    return result


def _row(name: str, phases: list[Phase]) -> list[str]:
    latencies = [ms for phase in phases for ms in phase.interactive_ms]
    grids = [ms for phase in phases for ms in phase.grids_ms]
    return [
        name,
        f"{percentile(latencies, 50):.1f}",
        f"{percentile(latencies, 99):.1f}",
        f"{middle([phase.bulk_tokens_s for phase in phases]):,.0f}",
        f"{percentile(grids, 50):.1f}",
        f"{percentile(grids, 99):.1f}",
        f"{max(grids, default=float('nan')):.1f}",
    ]
