"""The HTML report on the lengths of texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from goldcrest.lengths.choices import percent
from goldcrest.lengths.result import LengthsReport, ModelLengths
from goldcrest.lengths.words import heads, lengths_of, mean, notes, row, sentence
from goldcrest.report import (
    Bars,
    Chart,
    Figure,
    Line,
    Page,
    Section,
    Series,
    Table,
    bars,
    chart,
    render,
)


def html(report: LengthsReport) -> str:
    """The report as a page that needs nothing else."""
    return render(
        Page(
            title=f"Lengths of the texts of {report.source}",
            headline=headline(report),
            facts=tuple(_facts(report)),
            sections=(*_sections(report), Section("How to read this", text=notes(report))),
            made_by=f"goldcrest {report.version}, {report.at}",
        )
    )


def headline(report: LengthsReport) -> str:
    """The one thing that it says."""
    if len(report.models) > 1:
        chosen = (f"{told.advice.max_length} for {told.model}" for told in report.models)
        return f"max_length: {', '.join(chosen)}."
    return sentence(report.models[0])


def _facts(report: LengthsReport) -> Iterator[tuple[str, str]]:
    yield "To stay whole", percent(report.keep)
    for told in report.models:
        prefix = f"{told.model}: " if len(report.models) > 1 else ""
        yield f"{prefix}texts", f"{told.n_texts:,}"
        yield f"{prefix}tokens per text", f"{mean(told):.1f}"
        most = "" if told.is_exact else "≤ "
        yield f"{prefix}p50, p99", f"{most}{told.quantiles['p50']}, {most}{told.quantiles['p99']}"


def _sections(report: LengthsReport) -> Iterator[Section]:
    """One for each model; the advice for a single one is the headline already."""
    for told in report.models:
        said = [] if len(report.models) == 1 else [sentence(told)]
        yield _section(told, said)


def _section(told: ModelLengths, said: Sequence[str]) -> Section:
    return Section(
        told.model,
        text=said if told.advice.is_enough else (),
        warnings=() if told.advice.is_enough else said,
        figures=(
            Figure(bars(_distribution(told)), "Share of the texts by length in tokens."),
            Figure(chart(_kept(told)), "Share of the texts that a limit leaves whole."),
        ),
        tables=(Table(heads(told), [row(told, choice) for choice in told.choices]),),
        facts=(("Recommended", str(told.advice.max_length)), *_prices(told)),
        code=told.setting,
    )


def _prices(told: ModelLengths) -> Iterator[tuple[str, str]]:
    yield "The model's limit", str(told.limit)
    if told.has_seconds:
        yield "Predicted for", f"one engine, {told.precision or 'as it runs'}"


def _distribution(told: ModelLengths) -> Bars:
    return Bars(
        title="Texts by their length in tokens",
        y="% of the texts",
        names=[lengths_of(bucket) for bucket in told.buckets],
        series=[("", [100 * bucket.n_texts / told.n_texts for bucket in told.buckets])],
    )


def _kept(told: ModelLengths) -> Chart:
    """Where bounds are all that is known, the lower one: so many stay whole at least."""
    advised = told.advice.max_length
    points = [(float(one.max_length), 100 * (1 - one.cut.high)) for one in told.choices]
    return Chart(
        title="Texts that stay whole by limit",
        x="max_length in tokens",
        y="% whole",
        series=[Series("texts that stay whole", points)],
        lines=(Line(f"max_length = {advised}", advised, is_upright=True),),
        is_log_x=True,
    )
