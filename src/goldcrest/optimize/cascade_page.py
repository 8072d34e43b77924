"""The page of a fitted cascade, and the settings that serve it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence

from goldcrest.optimize.cascade_report import CascadeReport, ConfirmedReport, PointReport
from goldcrest.report import Chart, Figure, Line, Page, Section, Series, Table, chart, render

HEADS = ("model", "precision", "quality", "95 % interval", "ms a text", "texts/s", "answers")
_SHOWN = 12
"""Points of the curve that are told in figures."""


def settings(found: CascadeReport) -> str:
    """TOML that ``goldcrest serve --config`` serves as it stands; empty without a cascade."""
    return "" if found.confirmed is None else "\n".join(_settings(found, found.confirmed))


def _settings(found: CascadeReport, confirmed: ConfirmedReport) -> Iterator[str]:
    cascade = confirmed.cascade
    yield f"# Fitted on {found.n_fitted} rows of {found.data}. The thresholds hold for these models"
    yield "# at these precisions: after a change of either, fit them again."
    for one in found.members:
        if one.name in cascade.members:
            yield "[[models]]"
            yield f"name = {json.dumps(one.name)}"
            yield f"source = {json.dumps(one.source)}"
            yield f"precision = {json.dumps(one.precision)}"
            if one.max_length:
                yield f"max_length = {one.max_length}"
            yield ""
    yield "[[cascades]]"
    yield f"name = {json.dumps(cascade.name)}"
    yield f"members = {json.dumps(cascade.members)}"
    yield f"thresholds = {json.dumps(cascade.thresholds)}"
    yield ""


def rows(found: CascadeReport) -> Iterator[tuple[str, ...]]:
    """A row for each model alone, then one for the cascade, below `HEADS`."""
    confirmed = found.confirmed
    names = confirmed.cascade.members if confirmed else ()
    shares = dict(zip(names, confirmed.shares if confirmed else (), strict=True))
    for one in found.members:
        share = f"{shares[one.name]:.0%}" if one.name in shares else ""
        own = (one.quality, one.low, one.high, one.seconds)
        yield (one.name, one.precision, *_figures(*own), share)
    if confirmed is not None:
        own = (confirmed.quality, confirmed.low, confirmed.high, confirmed.seconds)
        yield (confirmed.cascade.name, "", *_figures(*own), "")


def _figures(quality: float, low: float, high: float, seconds: float) -> tuple[str, ...]:
    interval = f"{low:.4f} to {high:.4f}"
    return (f"{quality:.4f}", interval, f"{seconds * 1e3:.3f}", f"{1 / seconds:.0f}")


def html(found: CascadeReport) -> str:
    """The report as a page that needs nothing else."""
    return render(
        Page(
            title=f"Cascade of {' and '.join(one.name for one in found.members)}",
            headline=found.verdict,
            facts=tuple(_facts(found)),
            sections=tuple(_sections(found)),
            made_by=found.made_by,
        )
    )


def _facts(found: CascadeReport) -> Iterator[tuple[str, str]]:
    yield "Texts", found.data
    yield "Limit", f"{found.max_drop:g} points of {found.metric}"
    if (confirmed := found.confirmed) is not None:
        yield "Thresholds", ", ".join(f"{one:.4f}" for one in confirmed.cascade.thresholds)
        yield "Escalated", f"{1 - confirmed.shares[0]:.1%}"
        yield "Faster", f"{confirmed.speedup:.2f} times"


def _sections(found: CascadeReport) -> Iterator[Section]:
    text = (
        f"Each model alone, and the cascade, on {found.n_confirmed} rows that the thresholds were "
        "not fitted on. Times are those of the models in this process, many texts together; "
        "HTTP comes on top."
    )
    yield Section("What was measured", text=[text], tables=[Table(HEADS, list(rows(found)))])
    yield _curve(found)
    if found.confirmed is not None and found.is_within:
        yield Section("To serve it", code=settings(found))
    machine = found.machine
    facts = [
        ("Processor", machine.processor),
        ("Features", ", ".join(machine.features)),
        ("Threads of an engine", str(machine.threads)),
        ("Runtime", machine.runtime),
    ]
    yield Section("To repeat it", facts=facts, code=shlex.join(found.command))


def _curve(found: CascadeReport) -> Section:
    shown = found.tried[:: max(1, -(-len(found.tried) // _SHOWN))]
    text = (
        f"What thresholds come to on the {found.n_fitted} rows that they were fitted on. The "
        "chosen ones are the fastest whose drop stays within the limit at its upper bound, which "
        "holds with 95 % confidence."
    )
    return Section(
        "What was tried",
        text=[text],
        figures=[
            Figure(chart(_over_escalated(found)), "Points lost by how many texts escalate."),
            Figure(chart(_over_rate(found)), "The same by how fast that is."),
        ],
        tables=[Table(_POINT_HEADS, [_point_row(one) for one in (*shown, found.chosen)])],
    )


def _over_escalated(found: CascadeReport) -> Chart:
    return Chart(
        title="Points lost over the share that escalates",
        x="% of the texts escalate",
        y="points lost",
        series=[
            Series("lost", [(100 * one.escalated, one.drop) for one in found.tried], 0),
            Series("at most", [(100 * one.escalated, one.most) for one in found.tried], 1),
        ],
        lines=[
            Line(f"limit: {found.max_drop:g}", found.max_drop),
            Line("chosen", 100 * found.chosen.escalated, is_upright=True),
        ],
    )


def _over_rate(found: CascadeReport) -> Chart:
    points = sorted(found.tried, key=lambda one: one.seconds)
    return Chart(
        title="Points lost over texts per second",
        x="texts a second",
        y="points lost",
        series=[
            Series("lost", [(1 / one.seconds, one.drop) for one in points], 0),
            Series("at most", [(1 / one.seconds, one.most) for one in points], 1),
        ],
        lines=[
            Line(f"limit: {found.max_drop:g}", found.max_drop),
            Line("chosen", 1 / found.chosen.seconds, is_upright=True),
        ],
    )


_POINT_HEADS = ("thresholds", "escalated", "points lost", "at most", "ms a text")


def _point_row(one: PointReport) -> Sequence[str]:
    thresholds = ("never" if each is None else f"{each:.4f}" for each in one.thresholds)
    return (
        ", ".join(thresholds),
        f"{one.escalated:.1%}",
        f"{one.drop:+.2f}",
        f"{one.most:+.2f}",
        f"{one.seconds * 1e3:.3f}",
    )
