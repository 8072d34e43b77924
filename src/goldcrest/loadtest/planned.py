"""What a plan says: a table and a paragraph for the terminal, and a page."""

from __future__ import annotations

from collections.abc import Iterator

from goldcrest.loadtest.day import HOUR_S, Replayed
from goldcrest.loadtest.plan import CapacityPlan, Option
from goldcrest.loadtest.sizing import Sized
from goldcrest.loadtest.triggers import triggers
from goldcrest.report import (
    Chart,
    Figure,
    Line,
    Page,
    Section,
    Series,
    Table,
    chart,
    render,
)

_UNREST = 2.0
"""From here on something else used the machine during the test."""
HEADS = (
    "replica",
    "cores",
    "memory",
    "sustains",
    "replicas",
    "each",
    "used",
    "p99",
    "an hour",
    "a million texts",
)


def rows(plan: CapacityPlan) -> Iterator[tuple[str, ...]]:
    """A row for each size of a replica; the chosen one has a star."""
    for option in plan.options:
        star = "*" if option is plan.chosen and len(plan.options) > 1 else ""
        yield (option.label + star, *_row(plan, option))


def _row(plan: CapacityPlan, option: Option) -> tuple[str, ...]:
    laid = option.sized
    if laid is None:
        return ("", "", "0/s", *[""] * 6)
    p99 = f"{_ms(plan.at_rate.p99_ms)}" if option is plan.chosen else ""
    return (
        f"{laid.size.cores:g}",
        f"{laid.memory_mib} MiB" if laid.memory_mib else "unknown",
        f"{laid.size.sustainable:.4g}/s",
        str(laid.n_replicas),
        f"{laid.rate_each:.4g}/s",
        f"{laid.utilisation:.0%}",
        p99,
        f"{laid.price:.2f}",
        f"{laid.cost_per_million:.2f}",
    )


def paragraph(plan: CapacityPlan) -> str:
    """What the plan comes to, in a few sentences."""
    return " ".join(_sentences(plan))


def _sentences(plan: CapacityPlan) -> Iterator[str]:
    wanted, chosen, laid = plan.wanted, plan.chosen, _laid(plan)
    yield (
        f"{laid.n_replicas} replicas answer {wanted.rate:.4g} requests a second with p50 "
        f"{_ms(plan.at_rate.p50_ms)}, p95 {_ms(plan.at_rate.p95_ms)}, "
        f"p99 {_ms(plan.at_rate.p99_ms)}; at {wanted.peak:g} times that rate with {wanted.spare} "
        f"of them lost, p99 is {_ms(plan.at_worst.p99_ms)}."
    )
    yield _bound(chosen)
    if chosen.unrest > _UNREST:
        yield _unrest(chosen)
    if len(plan.options) > 1:
        yield plan.why[0].upper() + plan.why[1:]
    yield (
        f"Scale out above {plan.scaling.busy:.2f} engine seconds per second, or "
        f"{plan.scaling.waiting_tokens:.0f} waiting tokens, per replica."
    )
    if plan.day is not None:
        yield _day(plan, plan.day, laid)


def _unrest(chosen: Option) -> str:
    return (
        f"In the test of {chosen.label}, one run of the engine in twenty took {chosen.unrest:.1f} "
        "times as long as the middle one: something else was using that machine, so the plan asks "
        "for more than a quiet one needs."
    )


def _bound(chosen: Option) -> str:
    if chosen.found is None:
        return (
            f"One sustains {chosen.foreseen:.4g} a second as simulated; the test did not find "
            "the highest rate within this objective."
        )
    if not chosen.found:
        return (
            f"One sustains {chosen.foreseen:.4g} a second as simulated, but no rate that the test "
            "tried held this objective for sure: test it again before you rely on the plan."
        )
    lower = "test" if chosen.found < chosen.foreseen else "simulation"
    return (
        f"One sustained {chosen.found:.4g} a second in the test and {chosen.foreseen:.4g} as "
        f"simulated; the plan rests on the lower, that of the {lower}."
    )


def _day(plan: CapacityPlan, day: Replayed, laid: Sized) -> str:
    cost = plan.day_cost_per_million or 0.0
    dearer = (
        " That is dearer than so many all day: the load swings too little for an autoscaler to pay."
        if cost > laid.cost_per_million
        else ""
    )
    return (
        f"Over the day the autoscaler runs {day.replica_hours:.0f} replica hours in place of "
        f"{laid.n_replicas * len(day.moments) * day.step_s / HOUR_S:.0f} ({cost:.2f} a million "
        f"texts), at most {day.most_replicas} replicas at once; p99 is at worst "
        f"{_ms(day.worst_p99_ms)} and within the objective for {day.within_share:.2%} of the "
        f"requests; {day.refused_share:.2%} are refused.{dearer}"
    )


def html(plan: CapacityPlan, *, made_by: str) -> str:
    """The plan as a page that needs nothing else."""
    laid = _laid(plan)
    return render(
        Page(
            title=f"Plan for {plan.wanted.rate:.4g} requests a second",
            headline=(
                f"{laid.n_replicas} replicas of {laid.size.cores:g} cores keep {plan.slo.text} "
                f"at {plan.wanted.rate:.4g} requests a second."
            ),
            facts=tuple(_facts(plan, laid)),
            sections=tuple(_parts(plan)),
            made_by=made_by,
        )
    )


def _laid(plan: CapacityPlan) -> Sized:
    if plan.chosen.sized is None:
        raise ValueError("a plan cannot choose a replica that keeps the objective at no rate")
    return plan.chosen.sized


def _facts(plan: CapacityPlan, laid: Sized) -> Iterator[tuple[str, str]]:
    yield "p99 at that rate", _ms(plan.at_rate.p99_ms)
    yield "p99 at the worst", _ms(plan.at_worst.p99_ms)
    yield "Used", f"{laid.utilisation:.0%}"
    yield "A million texts", f"{laid.cost_per_million:.2f}"
    yield "An hour", f"{laid.price:.2f}"


def _parts(plan: CapacityPlan) -> Iterator[Section]:
    yield Section("The plan", text=[paragraph(plan)], tables=[Table(HEADS, list(rows(plan)))])
    for option in plan.options:
        yield _latencies(plan, option)
    if plan.day is not None:
        yield _over_the_day(plan, plan.day)
    yield Section("Autoscaling: HPA", code=triggers("hpa", plan.scaling))
    yield Section("Autoscaling: KEDA", code=triggers("keda", plan.scaling))


def _latencies(plan: CapacityPlan, option: Option) -> Section:
    drawn = Chart(
        title=f"Latency over rate, {option.label}",
        x="requests a second of one replica",
        y="ms",
        series=[*_simulated(option), *_real(option)],
        lines=[
            Line(f"{term.measure} < {_ms(term.limit)}", term.limit)
            for term in plan.slo.terms
            if term.measure[0] == "p"
        ],
        is_log_y=True,
    )
    text = (
        "Lines: one replica alone, as simulated. Dots: what the load test saw, with its client on "
        "the same machine if it was there."
    )
    tables = [_compared(option)] if option.held else []
    return Section(
        f"Latency over rate: {option.label}",
        text=[text],
        figures=[Figure(chart(drawn))],
        tables=tables,
    )


def _simulated(option: Option) -> Iterator[Series]:
    for colour, name in enumerate(("p50", "p95", "p99")):
        points = [(point.rate, getattr(point, f"{name}_ms")) for point in option.curve]
        yield Series(f"{name} simulated", points, colour)


def _real(option: Option) -> Iterator[Series]:
    for colour, name in enumerate(("p50", "p95", "p99")):
        points = [(held.rate, getattr(held, f"{name}_ms")) for held in option.held]
        yield Series(f"{name} real", points, colour, "dots")


def _compared(option: Option) -> Table:
    """What the test saw beside the simulation of the same replica with the same client."""
    heads = (
        "rate",
        "p50 real",
        "p50 simulated",
        "p95 real",
        "p95 simulated",
        "p99 real",
        "p99 simulated",
    )
    lines = [
        (
            f"{held.rate:.4g}/s",
            *(
                _ms(getattr(side, name))
                for name in ("p50_ms", "p95_ms", "p99_ms")
                for side in (held, held.foreseen)
            ),
        )
        for held in option.held
    ]
    return Table(heads, lines)


def _over_the_day(plan: CapacityPlan, day: Replayed) -> Section:
    moments = day.moments[:: max(1, len(day.moments) // 480)]
    hours = [moment.at_s / HOUR_S for moment in moments]
    rate = Series("requests a second", [(h, m.rate) for h, m in zip(hours, moments, strict=True)])
    count = [(h, float(m.replicas)) for h, m in zip(hours, moments, strict=True)]
    p99 = [(h, m.p99_ms) for h, m in zip(hours, moments, strict=True)]
    figures = [
        Figure(chart(Chart(title="Rate", x="hour", y="requests a second", series=[rate]))),
        Figure(
            chart(
                Chart(
                    title="Replicas", x="hour", y="replicas", series=[Series("replicas", count, 1)]
                )
            )
        ),
        Figure(
            chart(
                Chart(
                    title="p99",
                    x="hour",
                    y="ms",
                    series=[Series("p99", p99, 2)],
                    lines=[
                        Line(f"p99 < {_ms(t.limit)}", t.limit)
                        for t in plan.slo.terms
                        if t.measure == "p99"
                    ],
                    is_log_y=True,
                )
            )
        ),
    ]
    return Section("The day", text=[_day(plan, day, _laid(plan))], figures=figures)


def _ms(value: float) -> str:
    return f"{value:.3g} ms" if value < 1000 else f"{value / 1000:.3g} s"
