"""The charts of a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from goldcrest.loadtest.phrases import asked_of, latency_of, milliseconds, name_of, rate_of
from goldcrest.loadtest.result import Histogram, LoadReport, Step
from goldcrest.report import Bars, Chart, Line, Series
from goldcrest.report.scale import written

_KNEE = 3.0
"""Past the knee, p99 is more than this many times what it was at the lowest rate."""


def latencies(report: LoadReport) -> Chart:
    """Latency over rate, with the objective, and the rate that held or the knee."""
    steps = sorted(report.shown, key=rate_of)
    return Chart(
        title="Latency over rate",
        x="requests a second",
        y="ms",
        series=[
            Series(
                name, [(rate_of(step), latency_of(step.latency, name)) for step in steps], colour
            )
            for colour, name in enumerate(("p50", "p95", "p99"))
        ],
        lines=tuple(_marks(report)),
        is_log_y=True,
    )


def _marks(report: LoadReport) -> Iterator[Line]:
    for term in report.slo.terms if report.slo else ():
        if term.measure not in ("errors", "refused", "goodput"):
            yield Line(f"{term.measure} < {milliseconds(term.limit)}", term.limit)
    if report.found is not None and report.found.rate:
        yield Line(f"held: {report.found.rate:.4g}/s", report.found.rate, is_upright=True)
    elif (at := knee(report.shown)) is not None:
        yield Line(f"knee: {at:.4g}/s", at, is_upright=True)


def knee(steps: Sequence[Step]) -> float | None:
    """The highest rate before p99 is three times that of the lowest; None if it never is."""
    ordered = sorted(steps, key=rate_of)
    for before, step in pairwise(ordered):
        if step.latency.p99 > _KNEE * ordered[0].latency.p99:
            return rate_of(before)
    return None


def classes(report: LoadReport) -> Chart:
    """The p99 of each class over the rate."""
    names = sorted({name for step in report.shown for name in step.by_class})
    steps = sorted(report.shown, key=rate_of)
    return Chart(
        title="p99 by class",
        x="requests a second",
        y="p99, ms",
        is_log_y=True,
        series=[
            Series(
                name,
                [
                    (rate_of(step), step.by_class[name].latency.p99)
                    for step in steps
                    if name in step.by_class
                ],
                colour,
            )
            for colour, name in enumerate(names)
        ],
    )


def distributions(steps: Sequence[Step]) -> Chart:
    """For each step, the share of the answers that took at most so long."""
    return Chart(
        title="Distribution of latencies",
        x="ms",
        y="% of answers in at most that",
        is_log_x=True,
        series=[
            Series(asked_of(step), list(_shares(step.histogram)), colour)
            for colour, step in enumerate(steps)
        ],
    )


def _shares(counted: Histogram) -> Iterator[tuple[float, float]]:
    total, passed = sum(counted.counts.values()), 0
    for bucket in sorted(counted.counts):
        passed += counted.counts[bucket]
        yield counted.first * counted.growth ** (bucket + 1), 100 * passed / total


def histogram(step: Step) -> Bars:
    """At most 40 bars: neighbouring buckets are added up."""
    counts = step.histogram.counts
    low, high = min(counts, default=0), max(counts, default=0)
    each = max(1, -(-(high - low + 1) // 40))
    sums = [0] * ((high - low) // each + 1)
    for bucket, count in counts.items():
        sums[(bucket - low) // each] += count
    first, growth = step.histogram.first, step.histogram.growth
    names = [written(first * growth ** (low + each * number)) for number in range(len(sums))]
    return Bars(
        title=f"Answers by latency in ms, {name_of(step)}",
        y="answers",
        names=names,
        series=[("", sums)],
    )


def over_time(step: Step) -> Chart:
    """A step second by second."""
    return Chart(
        title=f"Over time, {name_of(step)}",
        x="seconds",
        y="",
        series=[
            Series("p99, ms", [(at, p99) for at, n, p99, _ in step.timeline if n], 2),
            Series("answers/s", [(at, float(n)) for at, n, _, _ in step.timeline], 0),
            Series("failures/s", [(at, float(bad)) for at, _, _, bad in step.timeline], 1),
        ],
    )


def busy(report: LoadReport) -> Chart:
    """What the server was doing, over the rate."""
    steps = sorted((step for step in report.shown if step.server is not None), key=rate_of)
    shares = [(rate_of(s), 100 * s.server.busy_share) for s in steps if s.server]
    fill = [
        (rate_of(s), 100 * s.server.n_tokens / s.server.n_slots)
        for s in steps
        if s.server and s.server.n_slots
    ]
    series = [Series("engine busy", shares, 0), Series("grid filled with tokens", fill, 3)]
    return Chart(title="Server over rate", x="requests a second", y="%", series=series)
