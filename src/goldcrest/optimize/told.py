"""What an optimisation found, in words and columns."""

from __future__ import annotations

from collections.abc import Iterator

from goldcrest.optimize.result import Report, Tried

HEADS = ("", "quality", "lost, points (95 %)", "texts/s", "alone, ms", "MiB", "start, s", "MB", "")


def headline(report: Report) -> str:
    """The one thing that it says."""
    if report.refusal:
        return f"Refused: {report.refusal}."
    best, plain = report.of(report.fastest), report.tried[0]
    among = f"of what loses at most {report.max_drop:g} points of {report.metric}"
    if report.demanded:
        among = f"of {' and '.join(report.demanded)}, as was asked for"
    said = f"{best.name} is the fastest here {among}"
    if best.pace is None or plain.pace is None:
        return f"{said}."
    said += f": {best.pace.texts_per_s:,.0f} texts a second"
    if best.name == plain.name:
        return f"{said}."
    return f"{said}, {best.pace.texts_per_s / plain.pace.texts_per_s:.1f} times f32."


def rows(report: Report) -> list[tuple[str, ...]]:
    """A row of `HEADS` per candidate."""
    return [_row(one, is_best=one.name == report.fastest) for one in report.tried]


def _row(one: Tried, *, is_best: bool) -> tuple[str, ...]:
    paced = one.pace
    return (
        one.name,
        "" if one.value is None else f"{one.value:.4f}",
        loss_of(one),
        f"{paced.texts_per_s:,.0f}" if paced else "",
        f"{paced.lone_ms:.1f}" if paced else "",
        f"{one.grown_bytes / 2**20:.0f}" if one.grown_bytes else "",
        f"{one.start_s:.1f}" if one.start_s else "",
        f"{one.file_bytes / 1e6:.0f}" if one.file_bytes else "",
        "fastest" if is_best else one.verdict,
    )


def loss_of(one: Tried) -> str:
    """Points lost, their interval, and a mark where they decide nothing."""
    if one.loss is None:
        return ""
    low, high = one.loss.low + 0.0, one.loss.high + 0.0
    mark = " ?" if one.loss.is_unclear else ""
    return f"{one.loss.points + 0.0:.2f} ({low:.2f} to {high:.2f}){mark}"


def notes(report: Report) -> Iterator[str]:
    """What to mind: refusals, doubts, and what was cut."""
    for one in report.tried:
        if one.verdict == "refused":
            yield f"{one.name} is left out: it {one.reason}"
        elif one.verdict == "failed":
            yield f"{one.name} is left out: {one.reason}"
    if any(one.loss is not None and one.loss.is_unclear for one in report.tried):
        yield (
            f"?: {report.texts.n_held_back:,} rows are too few to tell whether the loss is within "
            "the limit; the verdict is by the loss as measured"
        )
    if report.texts.n_truncated:
        yield f"{report.texts.n_truncated:,} texts were longer than the model reads and lost their end"
    if not report.texts.is_labelled:
        yield "the texts have no labels, so quality is how far a candidate agrees with f32"
