"""What a benchmark found, as a page and as data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.machine import Machine, this_machine
from benchmarks.markdown import table
from benchmarks.under_load.accounting import Account
from benchmarks.under_load.figures import Bar

ORDER = (
    *("flood", "overload", "chaos", "memory", "hit", "live"),
    *("small", "recycle", "infinity"),
)


@dataclass
class Result:
    """One benchmark of one model, with what it was held against.

    Attributes:
        accounts: what became of the requests, by phase; a fault in any fails the benchmark.
        rows: a table of figures, the header first.
        others_cores: what neither the servers nor the benchmark took of the processors meanwhile.
    """

    name: str
    title: str
    bars: list[Bar] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    others_cores: float = 0.0

    @property
    def is_met(self) -> bool:
        return all(bar.is_met for bar in self.bars) and not self.n_faults

    @property
    def n_faults(self) -> int:
        return sum(account.n_faults for account in self.accounts.values())


@dataclass(frozen=True)
class Bench:
    """What all benchmarks work with.

    Attributes:
        is_quick: a short run that only shows that everything works; its figures mean little.
        n_chaos: requests of the chaos run; None for as many as it is meant to have.
    """

    home: Path
    console: Console
    is_quick: bool = False
    n_chaos: int | None = None

    def say(self, words: str) -> None:
        self.console.print(words, markup=False, highlight=False)

    def seconds(self, wanted: float) -> float:
        """How long a phase lasts."""
        return max(2.0, wanted / 4) if self.is_quick else wanted

    def repeats(self, wanted: int) -> int:
        return 1 if self.is_quick else wanted


def as_data(result: Result, command: str) -> dict[str, Any]:
    """A result with the machine and the moment it was found on."""
    return {
        "name": result.name,
        "title": result.title,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": command,
        "machine": asdict(this_machine()),
        "is_met": result.is_met,
        "bars": [{**asdict(bar), "is_met": bar.is_met} for bar in result.bars],
        "rows": result.rows,
        "accounts": {
            phase: {
                "counts": dict(account.counts),
                "faults": account.faults,
                "examples": list(account.examples),
            }
            for phase, account in result.accounts.items()
        },
        "notes": result.notes,
        "others_cores": round(result.others_cores, 2),
    }


def write(found: Sequence[dict[str, Any]], folder: Path) -> str:
    """Puts results beside those of earlier runs, and writes all of them; the page."""
    folder.mkdir(parents=True, exist_ok=True)
    data, page = folder / "under_load.json", folder / "under_load.md"
    known: dict[str, Any] = json.loads(data.read_text()) if data.is_file() else {}
    known.update({f"{one['name']}: {one['title']}": one for one in found})
    ordered = dict(sorted(known.items(), key=lambda pair: _place(pair[1]["name"])))
    data.write_text(json.dumps(ordered, indent=1) + "\n")
    text = as_page(list(ordered.values()))
    page.write_text(text)
    return text


def _place(name: str) -> tuple[int, str]:
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)


def as_page(found: Sequence[Mapping[str, Any]]) -> str:
    """All results as Markdown."""
    head = ["# Under load", "", "Written by `python -m benchmarks.under_load`.", ""]
    summary = [
        [one["name"], one["title"], "yes" if one["is_met"] else "**no**", one["date"]]
        for one in found
    ]
    head += [table(["benchmark", "of", "met", "when"], summary), ""]
    return "\n".join([*head, *(line for one in found for line in _section(one))]) + "\n"


def _section(one: Mapping[str, Any]) -> list[str]:
    machine = Machine(**{**one["machine"], "features": tuple(one["machine"]["features"])})
    lines = [f"## {one['name']}: {one['title']}", ""]
    lines += [
        (
            f"{one['date']}, `{one['command']}`; {machine.cores} cores of {machine.processor}, "
            f"{machine.memory_gib} GiB, {', '.join(machine.features)}; others on the machine "
            f"took {one.get('others_cores', 0):.2f} cores meanwhile"
        ),
        "",
    ]
    bars = [
        [bar["name"], *_numbers(bar), bar["unit"], "yes" if bar["is_met"] else "**no**"]
        for bar in one["bars"]
    ]
    if bars:
        lines += [table(["what", "measured", "bar", "unit", "met"], bars), ""]
    if one["rows"]:
        lines += [table(one["rows"][0], one["rows"][1:]), ""]
    lines += _accounts(one["accounts"])
    for note in one["notes"]:
        lines += [note, ""]
    return lines


def _numbers(bar: Mapping[str, Any]) -> tuple[str, str]:
    digits, sign = bar["digits"], ">=" if bar["is_floor"] else "<="
    return f"{bar['figure']:,.{digits}f}", f"{sign} {bar['limit']:,.{digits}f}"


def _accounts(accounts: Mapping[str, Any]) -> list[str]:
    if not accounts:
        return []
    verdicts = sorted({verdict for one in accounts.values() for verdict in one["counts"]})
    faults = ["wrong", "doubled", "lost", "unexplained"]
    others = [verdict for verdict in verdicts if verdict not in faults]
    rows = [
        [
            phase,
            *(str(one["counts"].get(verdict, 0)) for verdict in others),
            *(str(one["faults"][fault]) for fault in faults),
        ]
        for phase, one in accounts.items()
    ]
    examples = [f"- {example}" for one in accounts.values() for example in one["examples"]]
    return [
        table(["requests of", *others, *faults], rows),
        "",
        *examples,
        *([""] if examples else []),
    ]


def show(result: Result, bench: Bench) -> None:
    """Prints a result as soon as it is there."""
    bench.say(f"\n== {result.name}: {result.title}")
    for row in result.rows:
        bench.say("   " + " | ".join(row))
    for phase, account in result.accounts.items():
        bench.say(f"   {phase}: {dict(account.counts)}; faults {account.faults}")
        for example in account.examples:
            bench.say(f"      {example}")
    for note in result.notes:
        bench.say(f"   {note}")
    for bar in result.bars:
        bench.say(f"   {bar}")
    bench.say(f"   others on the machine took {result.others_cores:.2f} cores meanwhile")
