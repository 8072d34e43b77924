"""What the benchmark of a cascade found: as data, and as a page."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

from benchmarks.machine import Machine
from benchmarks.markdown import middle, middle_and_range, table
from benchmarks.measure import Level
from benchmarks.peer import Peer, goldcrest
from goldcrest.evaluate import Drop, Quality

ALONE, TOGETHER = 1, 32
"""Clients: one shows the latency of a lone text, several the throughput."""
N_ALONE = 400
"""Texts that one client sends."""


@dataclass(frozen=True)
class Contender:
    """What is served: the arguments of `goldcrest serve`."""

    name: str
    title: str
    arguments: tuple[str, ...]

    @property
    def peer(self) -> Peer:
        base = replace(goldcrest("auto"), name=self.name, title=self.title, prepare=())
        keep_nothing = ("--set", "cache.answers_mib=0")
        command = ("{bin}/goldcrest", "serve", *self.arguments, "--port", "{port}", *keep_nothing)
        return replace(base, command=command, env={"GOLDCREST_CACHE__FOLDER": "{home}/cache"})


@dataclass(frozen=True)
class Turn:
    """One contender in one repeat.

    Attributes:
        alone: with one client.
        together: with several; every row once.
        labels: what it said of each row, then.
        escalated: the share of the rows that went past the first member; None where none can.
    """

    contender: str
    alone: Level
    together: Level
    labels: tuple[str, ...]
    escalated: float | None


@dataclass(frozen=True)
class Results:
    """Everything that one call found out; the quality of each is that of its first turn."""

    date: str
    command: str
    machine: Machine
    fitted: dict[str, Any]
    contenders: tuple[Contender, ...]
    turns: tuple[Turn, ...]
    qualities: dict[str, Quality]
    drop: Drop

    def of(self, name: str) -> list[Turn]:
        return [turn for turn in self.turns if turn.contender == name]

    @property
    def speedup(self) -> float:
        """Texts per second of the cascade, of those of the large model; of the medians."""
        rates = [median(t.together.throughput for t in self.of(n)) for n in ("cascade", "large")]
        return rates[0] / rates[1]

    @property
    def n_errors(self) -> int:
        return sum(turn.alone.n_errors + turn.together.n_errors for turn in self.turns)

    @property
    def is_met(self) -> bool:
        is_within = self.drop.points <= self.fitted["max_drop"]
        return is_within and self.speedup > 1 and not self.n_errors


def as_json(results: Results) -> dict[str, Any]:
    """Everything but the answers row by row, and but where things lie on this machine."""
    fields = asdict(results)
    for one in (*fields["turns"], *fields["qualities"].values()):
        for key in ("labels", "outputs", "truths"):
            one.pop(key, None)
    for one in (fields["fitted"], *fields["contenders"], *fields["fitted"]["members"]):
        for key in ("arguments", "command", "source"):
            one.pop(key, None)
    return fields | {"speedup": results.speedup, "is_met": results.is_met}


def as_markdown(results: Results) -> str:
    """The page a reader sees."""
    parts = ("# A cascade beside its members", _setting(results), _found(results))
    return "\n\n".join((*parts, _table(results), _method())) + "\n"


def _setting(results: Results) -> str:
    fitted, machine = results.fitted, results.machine
    others = middle([turn.together.others_cores for turn in results.turns], 2)
    thresholds = ", ".join(map(str, fitted["confirmed"]["cascade"]["thresholds"]))
    lines = (
        f"Date: {results.date}; command: `{results.command}`",
        f"Processor: {machine.processor}; features: {', '.join(machine.features)}",
        f"{machine.cores} cores, {machine.memory_gib} GiB, {machine.system}",
        f"Medians of {len(results.of('cascade'))} turns; in brackets the least and the most",
        f"Others on the machine took {others} cores meanwhile",
        f"Fitted on {fitted['n_fitted']} other rows of {fitted['data']}: thresholds {thresholds}",
        f"Allowed: {fitted['max_drop']:g} points of accuracy",
    )
    return "\n".join(f"- {line}" for line in lines)


def _found(results: Results) -> str:
    drop = results.drop
    escalated = median(turn.escalated or 0.0 for turn in results.of("cascade"))
    return (
        f"With {escalated:.1%} of the texts escalated, the cascade answers {results.speedup:.2f} "
        f"times the texts per second of the large model alone. It loses {drop.points:.2f} points of "
        f"accuracy against it (95 %: {drop.low:+.2f} to {drop.high:+.2f}, paired over {drop.n_rows} "
        "rows that it was not fitted on)."
    )


def _method() -> str:
    return (
        f"All are served over HTTP, a text per request, without kept answers, and are sent the same "
        f"rows: the first {N_ALONE} by one client, then each of them once by {TOGETHER}. A text that "
        "escalates takes the time of both models, one after the other."
    )


def _table(results: Results) -> str:
    header = [
        *("served", "texts/s", "CPU ms/text", "1 client p50 ms", "p99 ms"),
        *(f"{TOGETHER} clients p50 ms", "p99 ms", "accuracy", "95 % interval", "errors"),
    ]
    return table(header, (_row(results, one) for one in results.contenders))


def _row(results: Results, one: Contender) -> list[str]:
    turns, found = results.of(one.name), results.qualities[one.name]
    alone, together = [turn.alone for turn in turns], [turn.together for turn in turns]
    return [
        one.title,
        middle_and_range([level.throughput for level in together]),
        middle_and_range([level.cpu_ms for level in together], 2),
        middle([level.p50_ms for level in alone], 2),
        middle([level.p99_ms for level in alone], 2),
        middle([level.p50_ms for level in together]),
        middle([level.p99_ms for level in together]),
        f"{found.value:.4f}",
        f"{found.low:.4f} to {found.high:.4f}",
        str(sum(level.n_errors for level in (*alone, *together))),
    ]
