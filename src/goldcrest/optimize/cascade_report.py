"""What fitting a cascade came to, as plain values that are written as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import msgspec

from goldcrest.config import CascadeConfig
from goldcrest.optimize.cascade import Point
from goldcrest.optimize.cascade_fitting import Confirmed, Fitting
from goldcrest.optimize.cascade_words import speedup, verdict
from goldcrest.optimize.result import Machine


@dataclass(frozen=True, slots=True)
class Source:
    """Where a member comes from, as settings say it.

    Attributes:
        precision: what ran when it was measured.
        max_length: tokens per text; 0: the model's own limit.
    """

    source: str
    precision: str
    max_length: int = 0


class MemberReport(msgspec.Struct, frozen=True, kw_only=True):
    """One model by itself, on the rows that confirm.

    Attributes:
        max_length: tokens per text; 0: the model's own limit.
        quality: from 0 to 1; with 95 % between ``low`` and ``high``.
        seconds: per text.
    """

    name: str
    source: str
    precision: str
    max_length: int
    quality: float
    low: float
    high: float
    seconds: float


class PointReport(msgspec.Struct, frozen=True, kw_only=True):
    """Thresholds that were tried, on the rows for fitting.

    Attributes:
        thresholds: of each model but the last; None where its answers never stand.
        escalated: share of the rows that goes past the first model.
        drop: points lost against the last model.
        most: the drop that is not exceeded, with 95 % confidence.
        seconds: per text.
    """

    thresholds: tuple[float | None, ...]
    escalated: float
    drop: float
    most: float
    seconds: float


class ConfirmedReport(msgspec.Struct, frozen=True, kw_only=True):
    """The cascade, on the rows that it was not fitted on.

    Attributes:
        quality: from 0 to 1; with 95 % between ``low`` and ``high``.
        drop: points lost against the last model, row by row; negative where it won; with 95 %
            between ``drop_low`` and ``drop_high``.
        shares: of the rows that each member answers.
        seconds: per text.
        speedup: texts per second, of those of the last model alone.
    """

    cascade: CascadeConfig
    quality: float
    low: float
    high: float
    drop: float
    drop_low: float
    drop_high: float
    shares: tuple[float, ...]
    seconds: float
    speedup: float


class CascadeReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is worth keeping.

    Attributes:
        verdict: what it comes to, in a sentence or two.
        is_within: whether the rows that confirm lose no more than the limit.
        max_drop: points that may be lost against the last model.
        held_back: the file of the rows that confirm; empty: they are part of ``data``.
        n_fitted: rows for fitting.
        n_confirmed: rows that confirm.
        confirmed: None where one model does best alone.
    """

    verdict: str
    is_within: bool
    data: str
    held_back: str = ""
    metric: str
    max_drop: float
    n_fitted: int
    n_confirmed: int
    members: tuple[MemberReport, ...]
    chosen: PointReport
    tried: tuple[PointReport, ...]
    confirmed: ConfirmedReport | None
    machine: Machine
    command: tuple[str, ...]
    made_by: str


def report(
    fitting: Fitting,
    sources: Sequence[Source],
    data: Sequence[str],
    *,
    machine: Machine,
    command: Sequence[str],
    made_by: str,
) -> CascadeReport:
    """Put together what fitting came to.

    Args:
        fitting: what became of it.
        sources: of the models, in their order.
        data: the name of the texts, and of those that confirm where they come from another file.
        machine: that it was measured on.
        command: that repeats it.
        made_by: the program and its version.
    """
    return CascadeReport(
        verdict=" ".join(verdict(fitting)),
        is_within=fitting.is_within,
        data=data[0],
        held_back="".join(data[1:]),
        metric=fitting.metric,
        max_drop=fitting.wish.max_drop,
        n_fitted=fitting.n_fitted,
        n_confirmed=fitting.qualities[-1].n_rows,
        members=tuple(
            MemberReport(
                name=member.name,
                source=source.source,
                precision=source.precision,
                max_length=source.max_length,
                quality=quality.value,
                low=quality.low,
                high=quality.high,
                seconds=seconds,
            )
            for member, source, quality, seconds in zip(
                fitting.members, sources, fitting.qualities, fitting.seconds, strict=True
            )
        ),
        chosen=_point(fitting.fitted.chosen),
        tried=tuple(map(_point, fitting.fitted.tried)),
        confirmed=None if fitting.confirmed is None else _confirmed(fitting, fitting.confirmed),
        machine=machine,
        command=tuple(command),
        made_by=made_by,
    )


def _confirmed(fitting: Fitting, found: Confirmed) -> ConfirmedReport:
    return ConfirmedReport(
        cascade=found.config,
        quality=found.quality.value,
        low=found.quality.low,
        high=found.quality.high,
        drop=found.drop.points,
        drop_low=found.drop.low,
        drop_high=found.drop.high,
        shares=found.measured.shares,
        seconds=found.measured.seconds,
        speedup=speedup(fitting, found),
    )


def _point(point: Point) -> PointReport:
    return PointReport(
        thresholds=tuple(one if isfinite(one) else None for one in point.thresholds),
        escalated=point.escalated,
        drop=point.drop,
        most=point.most,
        seconds=point.seconds,
    )
