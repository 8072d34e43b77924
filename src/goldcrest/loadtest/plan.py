"""The plan: from reports of load tests to replicas, their size, their cost and their autoscaler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

import msgspec

from goldcrest.errors import ConfigError
from goldcrest.loadtest import seen
from goldcrest.loadtest.autoscaling import Scaling
from goldcrest.loadtest.capacity import N, Point, Replicas, read_off
from goldcrest.loadtest.day import Bearing, Replayed, replay, steepest
from goldcrest.loadtest.result import LoadReport, Slo
from goldcrest.loadtest.sizing import Size, Sized, Wanted, cheapest, cost_per_million, sized, why

_SCHEDULE_S = 5.0
"""From the wish for a replica until its process starts."""
_FULLEST = 0.8
"""The share of what a replica sustains that an autoscaler should aim at, at most."""
_BUSIEST = 0.85
"""An engine is busy for 1 second a second at most, and an autoscaler acts when it is busy for a
tenth more than aimed at: aiming higher, it would never act."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the plan is for.

    Attributes:
        wanted: the load.
        slo: the objective.
        prices: of an hour of a replica, one for each report; or one alone, for the first, and the
            others cost as much per core.
        day: requests a second over a day; empty for a load that stays.
        step_s: seconds of each of the day's rates.
        n: requests that are simulated at each rate.
    """

    wanted: Wanted
    slo: Slo
    prices: tuple[float, ...]
    day: tuple[float, ...] = ()
    step_s: float = 300.0
    n: int = N


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What was real at a rate, beside what is foreseen there."""

    rate: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    foreseen: Point


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of replica, tested and simulated.

    Attributes:
        label: the report's file.
        most: requests a second that one replica answers at all.
        foreseen: requests a second within the objective, as simulated.
        found: the same as the load test found, 0 if no rate held; None where it did not look for
            this objective, or where something else than the server was the limit.
        curve: how one replica does, from little load to as much as can be.
        held: the steps of the load test beside the simulation of the same replica.
        sized: None where no rate keeps the objective.
        waits: requests that may wait for one replica.
        tokens: of a request.
        start_s: from the start of the process until it is ready.
        unrest: how much longer one run of the engine in twenty took than the middle one.
    """

    label: str
    most: float
    foreseen: float
    found: float | None
    curve: tuple[Point, ...]
    held: tuple[Held, ...]
    sized: Sized | None
    waits: float
    tokens: float
    start_s: float
    unrest: float


class CapacityPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan and what it rests on.

    Attributes:
        at_rate: how each replica does at the wanted rate.
        at_worst: at the peak, with as many lost as may be.
        scaling: what the autoscaler aims at.
        day: the replay of the day with that autoscaler; None where the load stays.
        day_cost_per_million: texts, with the autoscaler.
    """

    wanted: Wanted
    slo: Slo
    options: tuple[Option, ...]
    chosen: Option
    why: str
    at_rate: Point
    at_worst: Point
    scaling: Scaling
    day: Replayed | None = None
    day_cost_per_million: float | None = None


def make(reports: Mapping[str, LoadReport], wish: Wish) -> CapacityPlan:
    """Plan for a load.

    Args:
        reports: of load tests, by what to call them; one for each size of a replica.
        wish: what the plan is for.

    Raises:
        ConfigError: a report lacks what a plan needs, or no size keeps the objective.
    """
    sizes = [seen.cores(report) for report in reports.values()]
    prices = _prices(wish.prices, sizes)
    options = tuple(
        _option(label, report, wish, price)
        for (label, report), price in zip(reports.items(), prices, strict=True)
    )
    good = {id(option.sized): option for option in options if option.sized is not None}
    if not good:
        raise ConfigError(
            f"one replica as in {', '.join(reports)} keeps {wish.slo.text} at no rate, so more of "
            "them do not either: allow more time, or test a faster kind of replica"
        )
    layouts = [option.sized for option in options if option.sized is not None]
    best = cheapest(layouts)
    chosen = good[id(best)]
    broken = [option.label for option in options if option.sized is None]
    scaling = _scaling(chosen, best, wish)
    day = _replayed(chosen, scaling, wish)
    return CapacityPlan(
        wanted=wish.wanted,
        slo=wish.slo,
        options=options,
        chosen=chosen,
        why=why(best, layouts, broken),
        at_rate=_at(chosen.curve, best.rate_each),
        at_worst=_at(chosen.curve, best.worst_each),
        scaling=scaling,
        day=day,
        day_cost_per_million=_day_cost(day, best, wish),
    )


def _prices(given: Sequence[float], cores: Sequence[float]) -> list[float]:
    if len(given) == len(cores):
        return list(given)
    if len(given) != 1:
        raise ConfigError(
            f"--price was given {len(given)} times for {len(cores)} reports; give it once, for "
            "the first and in proportion to the cores for the others, or once for each"
        )
    return [given[0] * each / cores[0] for each in cores]


def _option(label: str, report: LoadReport, wish: Wish, price: float) -> Option:
    tested, replica = seen.replicas(report, n=wish.n)
    most, foreseen = replica.most(), replica.sustainable(wish.slo)
    found = _found(report, wish.slo)
    bound = min(foreseen, found or inf)
    size = Size(
        label=label,
        cores=seen.cores(report),
        resident_bytes=replica.measured.resident_bytes,
        sustainable=bound,
        price=price,
    )
    mean = sum(replica.mix.lengths) / len(replica.mix.lengths)
    tokens = max(1.0, mean * replica.mix.texts_per_request)
    return Option(
        label=label,
        most=most,
        foreseen=foreseen,
        found=found,
        curve=replica.curve(bound or most, most),
        held=tuple(_held(report, tested)),
        sized=sized(wish.wanted, size) if bound else None,
        waits=replica.policy.limit_tokens / tokens * replica.n_workers,
        tokens=tokens,
        start_s=replica.measured.start_s,
        unrest=replica.measured.unrest,
    )


def _found(report: LoadReport, slo: Slo) -> float | None:
    """What the test itself found, if it looked for the same objective."""
    if report.found is None or report.slo is None or report.slo.terms != slo.terms:
        return None
    return report.found.rate if report.is_bounded or not report.found.rate else None


def _held(report: LoadReport, tested: Replicas) -> list[Held]:
    return [
        Held(
            rate=step.asked_rate,
            p50_ms=step.latency.p50,
            p95_ms=step.latency.p95,
            p99_ms=step.latency.p99,
            foreseen=tested.point(step.asked_rate),
        )
        for step in seen.steady(report)
    ]


def _at(curve: Sequence[Point], rate: float) -> Point:
    """A point between those of a curve."""
    names = Point.__struct_fields__
    return Point(**{n: rate if n == "rate" else read_off(curve, rate, n) for n in names})


def _scaling(chosen: Option, best: Sized, wish: Wish) -> Scaling:
    """Aim as high as a rise of the load, and the loss of a replica, allow.

    While new replicas start, those there are must bear what the load grows by.
    """
    most = max(2 * best.n_replicas, best.n_replicas + 2)
    draft = Scaling(
        busy=1.0,
        waiting_tokens=1.0,
        least=1 + wish.wanted.spare,
        most=most,
        start_s=chosen.start_s + _SCHEDULE_S,
    )
    growth = steepest(wish.day, step_s=wish.step_s, within_s=draft.reaction_s) if wish.day else 1.0
    share = min(_FULLEST, 1 / (growth * wish.wanted.peak))
    rate = share * best.size.sustainable
    tokens = max(read_off(chosen.curve, best.size.sustainable, "waiting_tokens"), chosen.tokens)
    return msgspec.structs.replace(
        draft,
        busy=min(read_off(chosen.curve, rate, "busy_share"), _BUSIEST),
        waiting_tokens=float(round(tokens)),
    )


def _replayed(chosen: Option, scaling: Scaling, wish: Wish) -> Replayed | None:
    if not wish.day:
        return None
    bearing = Bearing(
        curve=chosen.curve, most=chosen.most, limit=chosen.waits, tokens=chosen.tokens
    )
    limits = [term.limit for term in wish.slo.terms if term.measure == "p99"]
    return replay(
        wish.day,
        step_s=wish.step_s,
        bearing=bearing,
        scaling=scaling,
        limit_ms=min(limits, default=inf),
    )


def _day_cost(day: Replayed | None, best: Sized, wish: Wish) -> float | None:
    if day is None:
        return None
    mean_rate = sum(wish.day) / len(wish.day)
    hours = len(wish.day) * wish.step_s / 3600
    price = day.replica_hours / hours * best.size.price
    return cost_per_million(price, mean_rate * wish.wanted.texts_per_request)
