"""The HTML report of an optimisation."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from goldcrest.optimize.result import Kept, Pace, Report, Tried
from goldcrest.optimize.told import HEADS, headline, notes, rows
from goldcrest.report import Bars, Figure, Page, Section, Table, bars, render

MIB = 2**20


def html(report: Report) -> str:
    """The report as a page that needs nothing else."""
    return render(
        Page(
            title=f"Precisions of {report.model}",
            headline=headline(report),
            facts=tuple(_facts(report)),
            sections=tuple(_sections(report)),
            made_by=f"goldcrest {report.version}, {report.began_at}",
        )
    )


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    yield "Metric", report.metric
    yield "Limit", f"{report.max_drop:g} points"
    yield "Rows", f"{report.texts.n_held_back:,}"
    yield "Processor", f"{report.machine.processor}, {report.machine.threads} threads"
    if report.artifact_bytes:
        yield "Artifact", f"{report.artifact_bytes / 1e6:.0f} MB"


def _sections(report: Report) -> Iterator[Section]:
    yield _candidates(report)
    timed = [(one, one.pace) for one in report.tried if one.pace is not None]
    if timed:
        yield _speed(timed)
    if report.schemes:
        yield _schemes(report)
    if report.kept is not None:
        yield _kept(report.kept)
    yield _measured(report)
    if report.command:
        yield Section("To repeat it", code=shlex.join(report.command))


def _candidates(report: Report) -> Section:
    refused = {
        place for place, one in enumerate(report.tried) if one.verdict in ("refused", "failed")
    }
    said = (
        "A name is a graph, and the arithmetic of whatever it does not quantise. Points are "
        "hundredths of the metric that were lost against f32 on the same rows. MiB is what opening "
        "and warming added to a fresh process; start is from the beginning of that process to its "
        "first answer; MB is the file." + (" Red: left out." if refused else "")
    )
    return Section(
        "Candidates",
        text=[said],
        tables=[Table(HEADS, rows(report), frozenset(refused))],
        warnings=[f"{note[0].upper()}{note[1:]}." for note in notes(report)],
    )


def _speed(timed: Sequence[tuple[Tried, Pace]]) -> Section:
    names = [one.name for one, _ in timed]

    def figure(title: str, unit: str, values: Sequence[float]) -> Figure:
        return Figure(bars(Bars(title=title, y=unit, names=names, series=[("", values)])), title)

    grids = ", ".join(f"{one.name} {paced.grid}" for one, paced in timed)
    spread = ", ".join(
        f"{one.name} {paced.least_texts_per_s:,.0f} to {paced.most_texts_per_s:,.0f}"
        for one, paced in timed
    )
    return Section(
        "Speed and memory",
        text=(
            "Candidates ran in turn, each in a process of its own; figures are medians of rounds.",
            f"Most tokens of the backlog ran in these grids: {grids}.",
            f"Texts a second, slowest to fastest round: {spread}.",
        ),
        figures=(
            figure("A backlog: texts a second", "texts/s", [p.texts_per_s for _, p in timed]),
            figure("A text alone: milliseconds", "ms", [p.lone_ms for _, p in timed]),
            figure("What it adds to a process", "MiB", [one.grown_bytes / MIB for one, _ in timed]),
        ),
    )


def _schemes(report: Report) -> Section:
    table = Table(
        ("scheme", "error", "made in, s", ""),
        [
            (
                one.scheme,
                "" if one.error is None else f"{one.error:.4f}",
                f"{one.seconds:.0f}" if one.seconds else "",
                one.problem,
            )
            for one in report.schemes
        ],
    )
    said = (
        "Each was calibrated on the same texts. The error is that of its outputs against f32 on "
        "other texts, in standard deviations of those outputs; the least one was taken."
    )
    taken = [f"Taken: {report.scheme}."] if report.scheme else []
    return Section("How INT8 was made", text=[said, *taken], tables=[table])


def _kept(kept: Kept) -> Section:
    order = sorted(kept.errors, key=kept.errors.__getitem__)
    table = Table(
        ("block", "error left with it alone in float", ""),
        [
            (name, f"{kept.errors[name]:.4f}", "in float" if name in (kept.blocks or ()) else "")
            for name in order
        ],
    )
    said = (
        f"INT8 passes with {len(kept.blocks)} of {len(order)} blocks in float."
        if kept.blocks is not None
        else f"INT8 does not pass even with half of its {len(order)} blocks in float."
    )
    return Section("Blocks in float", text=[said], tables=[table])


def _measured(report: Report) -> Section:
    texts, machine = report.texts, report.machine
    facts = [
        ("Texts", texts.data),
        ("Held back", texts.held_back or "the larger part of them, by the digest of each text"),
        ("Rows judged by", f"{texts.n_held_back:,}"),
        ("Texts to calibrate on", f"{texts.n_calibration:,}"),
        ("Texts timed", f"{texts.n_timed:,}, {texts.mean_tokens:.1f} tokens on average"),
        ("Processor", machine.processor),
        ("Features", ", ".join(machine.features)),
        ("Runtime", machine.runtime),
    ]
    return Section("What it was measured with", facts=facts)
