"""Which contender suits under the limits, and why, in a sentence; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import log

from goldcrest.compare.limit import bound_of, broken, excess
from goldcrest.compare.measures import MEASURES, Measure
from goldcrest.compare.result import Broken, Choice, Limit, Measured, MeasureName, Updates
from goldcrest.compare.target import Target, limits_of, weights_of

Weights = Mapping[MeasureName, float]


def pick(
    contenders: Sequence[Measured], target: Target, updates: Updates, given: tuple[Limit, ...]
) -> Choice:
    """Choose among the contenders that keep every limit.

    The score of each is the weighted sum of the logarithms of its figures' worth: a figure that is
    twice as good counts by its weight whatever its unit, and no contender that another beats in
    every figure is ever chosen.

    Args:
        contenders: at least one.
        target: where the model will run.
        updates: how often a new version comes.
        given: the limits that the caller set; the target's own are added.
    """
    limits, weights = limits_of(target, given), weights_of(target, updates)
    beyond = broken(contenders, limits)
    out = {one.name for one in beyond}
    fitting = [one for one in contenders if one.name not in out]
    best = max(fitting, key=lambda one: score(one, fitting, weights), default=None)
    nearest = None if best else min(contenders, key=lambda one: _worst(one, limits))
    return Choice(
        target=target.name,
        updates=updates,
        weights=weights,
        limits=limits,
        chosen=best.name if best else "",
        nearest=nearest.name if nearest else "",
        reason=_why(best, fitting, target, limits)
        if best
        else _why_none(contenders, beyond, nearest or contenders[0]),
        broken=beyond,
    )


def score(one: Measured, among: Sequence[Measured], weights: Weights) -> float:
    """How good a contender is among others: 0 would be the best of all in every figure."""
    return sum(
        weight * log(measure.worth(value, best))
        for measure, weight in ((MEASURES[name], weight) for name, weight in weights.items())
        if (best := _best(measure, among)) is not None and (value := measure.read(one)) is not None
    )


def _best(measure: Measure, among: Sequence[Measured]) -> float | None:
    """The best value; None unless all have one."""
    values = [value for one in among if (value := measure.read(one)) is not None]
    if len(values) < len(among):
        return None
    return max(values) if measure.is_more_better else min(values)


def _worst(one: Measured, limits: Sequence[Limit]) -> float:
    return max(excess(one, limit) for limit in limits)


def _why(
    best: Measured, fitting: Sequence[Measured], target: Target, limits: Sequence[Limit]
) -> str:
    n = len(fitting)
    if n == 1:
        how = "it alone keeps every limit" if limits else "it is the only one"
    else:
        keep = " that keep every limit" if limits else ""
        how = f"of the {n}{keep}, its figures are the best by the weights of {target.name}"
    return f"{best.name} is the pick for {target.name}: {how}, with {_list(_figures(best, fitting, target, limits))}."


def _figures(
    best: Measured, fitting: Sequence[Measured], target: Target, limits: Sequence[Limit]
) -> list[str]:
    """The leading figure of the target, quality if it is known, and every figure with a limit."""
    bounds = {limit.measure: limit for limit in limits}
    names = dict.fromkeys((target.leading, *(("quality",) if best.quality else ()), *bounds))
    told = []
    for name in names:
        notes = [_place(best, fitting, MEASURES[name])] if name == target.leading else []
        notes += [bound_of(bounds[name])] if name in bounds else []
        text = MEASURES[name].said(best)
        told.append(f"{text} ({', '.join(filter(None, notes))})" if any(notes) else text)
    return told


def _place(best: Measured, fitting: Sequence[Measured], measure: Measure) -> str:
    """Where it stands among those that fit, so that nobody takes the pick for the best in all."""
    value = measure.read(best)
    if len(fitting) == 1 or value is None:
        return ""
    others = [other for one in fitting if (other := measure.read(one)) is not None]
    n_better = sum(measure.worth(other, value) > 1 for other in others)
    return "the best of them" if not n_better else f"number {n_better + 1} of them"


def _why_none(contenders: Sequence[Measured], beyond: Sequence[Broken], nearest: Measured) -> str:
    by_limit = Counter(one.limit for one in beyond)
    limit, n_out = by_limit.most_common(1)[0]
    own = [
        f"{MEASURES[one.limit.measure].said(nearest)} ({bound_of(one.limit)})"
        for one in beyond
        if one.name == nearest.name
    ]
    n = len(contenders)
    return (
        f"None of the {n} contenders keeps every limit: {limit.by} ({bound_of(limit)}) excludes "
        f"most, {n_out} of them, and the nearest is {nearest.name} with {_list(own)}."
    )


def _list(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
