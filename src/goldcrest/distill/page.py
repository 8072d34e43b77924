"""The HTML report of a stage: its losses, and how good the student is."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from goldcrest.distill.config import Kind
from goldcrest.distill.result import Judged, Report, Training
from goldcrest.report import Chart, Figure, Page, Section, Series, Table, chart, render

_DID: dict[Kind, str] = {
    "labels": "fine-tuned on labels",
    "task": "distilled from a classifier",
    "embedding": "distilled from an embedder",
    "masked-lm": "distilled from a language model",
}
HEADS = ("model", "texts", "metric", "value", "95 %", "rows", "nearest")


def html(report: Report) -> str:
    """The report as a page that needs nothing else."""
    training = report.training
    made_by = f"goldcrest {training.versions.get('goldcrest', '')}, {report.began_at}"
    return render(
        Page(
            title=f"{training.stage.name}: {_DID[training.stage.kind]}",
            headline=headline(report),
            facts=tuple(_facts(training)),
            sections=tuple(_sections(report)),
            made_by=made_by.strip(", "),
        )
    )


def headline(report: Report) -> str:
    """The one thing that a stage says: what became of the first set that was held back."""
    training = report.training
    made = f"{training.n_parameters / 1e6:.1f} M parameters, {_DID[training.stage.kind]}"
    if not report.judged:
        return f"{made}; nothing was held back to judge it on."
    first = report.judged[0].data
    said = "; ".join(
        f"{one.model}: {one.metric} {one.value:.4f}"
        for one in report.judged
        if one.data == first and one.reference != one.model
    )
    return f"{made}. On {first}: {said}."


def rows(report: Report) -> list[tuple[str, ...]]:
    """A row for each model and set, as text."""
    return [_row(one) for one in report.judged]


def _row(one: Judged) -> tuple[str, ...]:
    metric = f"{one.metric} with {one.reference}" if one.reference else one.metric
    found = (one.model, one.data, metric, f"{one.value:.4f}", f"{one.low:.4f} to {one.high:.4f}")
    return (*found, f"{one.n_rows:,}", "" if one.nearest is None else f"{one.nearest:.4f}")


def _facts(training: Training) -> Iterator[tuple[str, str]]:
    yield "Parameters", f"{training.n_parameters / 1e6:.2f} M"
    yield "Vocabulary", f"{training.vocabulary:,} tokens"
    yield "Texts", f"{training.n_rows:,} of {training.n_tokens:,} tokens"
    yield "Steps", f"{training.steps:,} in {training.seconds / 60:.1f} min"
    yield "Where", f"{training.machine.processor}, {training.machine.device}, {training.arithmetic}"


def _sections(report: Report) -> Iterator[Section]:
    yield _judged(report)
    yield _losses(report.training)
    yield _texts(report.training)
    yield _settings(report)
    if report.command:
        yield Section("To repeat it", code=shlex.join(report.command))


def _judged(report: Report) -> Section:
    if not report.judged:
        return Section("On texts that were held back", warnings=["No text was held back."])
    text = []
    if any(one.reference for one in report.judged):
        text.append(
            "Where there are no labels, a model is compared with the answers of the first one."
        )
    if any(one.nearest is not None for one in report.judged):
        text.append(
            "Nearest: of the ten texts of the set that are nearest to a text by the teacher's "
            "vectors, the share that is among the ten nearest by the student's too."
        )
    cut = [f"{one.model} on {one.data}: {one.n_cut:,} texts were cut" for one in report.judged]
    warnings = [said for said, one in zip(cut, report.judged, strict=True) if one.n_cut]
    tables = [Table(HEADS, rows(report))]
    return Section("On texts that were held back", text=text, tables=tables, warnings=warnings)


def _losses(training: Training) -> Section:
    names = [name for name in training.curve[-1] if name != "step"] if training.curve else []
    series = [
        Series(name, [(p["step"], p[name]) for p in training.curve if name in p], colour)
        for colour, name in enumerate(names)
    ]
    drawn = Chart(title="Losses over steps", x="step", y="loss, weighted", series=series)
    text = ["Each point is the mean of a stretch of steps; losses are shown times their weights."]
    return Section("Losses", text=text, figures=[Figure(chart(drawn))] if series else ())


def _texts(training: Training) -> Section:
    held = ", ".join(f"{name} {n:,}" for name, n in training.n_held_back.items())
    facts = [
        ("Trained on", f"{training.n_rows:,} texts, {training.n_tokens:,} tokens"),
        ("Held back", held or "none"),
        ("Duplicates left out", f"{training.n_duplicates:,}"),
        ("Contradicting left out", f"{training.n_contradicting:,}"),
        ("Left out because held back", f"{training.n_shared:,}"),
        ("Cut to the longest length", f"{training.n_cut:,}"),
    ]
    return Section("Texts", facts=facts)


def _settings(report: Report) -> Section:
    training = report.training
    stage = training.stage
    facts = [(name, _written(getattr(stage, name))) for name in stage.__struct_fields__]
    facts += [(f"weight of {name}", f"{weight:g}") for name, weight in stage.weights().items()]
    facts += list(training.versions.items())
    fresh = f"Begin at random: {', '.join(training.fresh)}." if training.fresh else ""
    return Section("Settings", text=[fresh] if fresh else (), facts=facts)


def _written(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return "by its kind" if value is None else str(value)
