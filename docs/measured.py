"""The figures in the README, from the results of ``make bench``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
RESULTS = ROOT / "benchmarks" / "results" / "compare.json"
_BEGIN, _END = "<!-- measured: written by docs/generate.py -->", "<!-- /measured -->"
_BASELINE = "guide"

Levels = Sequence[Mapping[str, Any]]


def with_figures(readme: str, results: Mapping[str, Any]) -> str:
    """Return the README with its measured section made anew."""
    head, rest = readme.split(_BEGIN)
    tail = rest.split(_END)[1]
    return f"{head}{_BEGIN}\n\n{section(results)}\n\n{_END}{tail}"


def section(results: Mapping[str, Any]) -> str:
    """Write what was run where, and a row per server."""
    machine = results["machine"]
    where = f"{machine['cores']} cores of {machine['processor']} ({', '.join(machine['features'])})"
    setting = (
        "DistilBERT-base's size, random weights, one text a request, mixed lengths, all distinct, "
        f"answers checked; on {where}, {results['date'][:10]}, medians of {results['repeats']} "
        f"runs by `make bench`. {_amx_note(machine['features'])}"
    )
    more = (
        "All of it, with commands, tolerances and versions: "
        "[benchmarks/results/compare.md](benchmarks/results/compare.md)."
    )
    parts = [setting, _table(results, results["size"]["clients"]), *lasting(results), more]
    return "\n\n".join(parts)


def lasting(results: Mapping[str, Any]) -> Iterator[str]:
    """Say how long starts took and what was held in memory, where that was measured."""
    if starts := results.get("starts"):
        rows = [_start_row(title, starts) for title in dict.fromkeys(s["title"] for s in starts)]
        head = ["server", "start to first answer, first, s", "second, s"]
        lines = [head, ["---"] * len(head), *rows]
        yield "\n".join(f"| {' | '.join(line)} |" for line in lines)
        yield "A first start finds an empty cache folder, a second one what the first left there."
    if soak := results.get("soak"):
        _, early, *_, last = soak["moments"]
        yield (
            f"{soak['title']} held {early['resident_mib']:.0f} MiB after "
            f"{early['n_requests']:,} requests of mixed lengths and sizes, and "
            f"{last['resident_mib']:.0f} MiB after {last['n_requests']:,}."
        )


def _start_row(title: str, starts: Levels) -> list[str]:
    def figure(which: str) -> str:
        these = [s for s in starts if (s["title"], s["which"]) == (title, which)]
        return f"{_median(these, lambda start: start['seconds']):.2f}" if these else "-"

    return [title, figure("first"), figure("second")]


def _amx_note(features: Sequence[str]) -> str:
    if any(feature.startswith("amx") for feature in features):
        return "This processor has AMX."
    return "This processor has no AMX, which INT8 and bf16 gain most from."


def _table(results: Mapping[str, Any], clients: Sequence[int]) -> str:
    head = ["server", *(f"texts/s, {n} clients" for n in clients)]
    head += [f"x {_BASELINE} at 32", "p50 / p99 ms at 1", "p50 / p99 ms at 32", "start, s", "MiB"]
    lines = [head, ["---"] * len(head), *(_row(results, p, clients) for p in results["peers"])]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _row(results: Mapping[str, Any], peer: Mapping[str, Any], clients: Sequence[int]) -> list[str]:
    runs = [run for run in results["runs"] if run["peer"] == peer["name"]]

    def figure(n: int, field: str) -> float:
        return _median(_levels(results, peer["name"], n), lambda level: level[field])

    base = _median(_levels(results, _BASELINE, 32), lambda level: level["throughput"])
    return [
        peer["title"],
        *(f"{figure(n, 'throughput'):.0f}" for n in clients),
        f"{figure(32, 'throughput') / base:.1f}",
        *(f"{figure(n, 'p50_ms'):.0f} / {figure(n, 'p99_ms'):.0f}" for n in (1, 32)),
        f"{_median(runs, lambda run: run['start_s']):.2f}",
        f"{_median(runs, lambda run: run['resident_load_mib']):.0f}",
    ]


def _levels(results: Mapping[str, Any], peer: str, clients: int) -> Levels:
    return [
        level
        for run in results["runs"]
        if run["peer"] == peer
        for level in run["levels"]
        if level["clients"] == clients
    ]


def _median(rows: Levels, value: Callable[[Mapping[str, Any]], float]) -> float:
    return median(map(value, rows))


def current() -> str:
    """Return what the README should be."""
    return with_figures(README.read_text("utf-8"), json.loads(RESULTS.read_text("utf-8")))
