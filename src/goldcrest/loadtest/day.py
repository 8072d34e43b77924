"""A day's load: its curve, and an autoscaler that follows it; pure: time is an argument.

What a replica does at a rate is read off a curve that was simulated; what comes beyond what the
replicas can answer waits as a fluid does, and beyond the bound on waiting it is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, cos, pi
from pathlib import Path

import msgspec

from goldcrest.errors import ConfigError
from goldcrest.loadtest.autoscaling import Fleet, Scaler, Scaling
from goldcrest.loadtest.capacity import Point, read_off

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
_TROUGH_H = 4.0


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the day.

    Attributes:
        at_s: since its beginning.
        rate: requests a second.
        replicas: that answered.
        wanted: replicas that the autoscaler wanted.
        p99_ms: of the answers.
        refused: requests.
    """

    at_s: float
    rate: float
    replicas: int
    wanted: int
    p99_ms: float
    refused: float


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """A day with an autoscaler.

    Attributes:
        moments: in order, each of ``step_s``.
        replica_hours: of the whole day.
        within_share: of the requests, those that came while p99 was within ``limit_ms``.
        refused_share: of the requests.
    """

    moments: tuple[Moment, ...]
    step_s: float
    replica_hours: float
    most_replicas: int
    worst_p99_ms: float
    within_share: float
    refused_share: float


def usual_day(peak_rate: float, *, swing: float = 3.0, step_s: float = 300.0) -> list[float]:
    """A day of people who sleep: lowest at 4 in the morning, highest at 4 in the afternoon.

    Args:
        peak_rate: the highest rate.
        swing: the highest over the lowest rate.
        step_s: seconds of each of the rates returned.
    """
    low = peak_rate / swing
    hours = [(place + 0.5) * step_s / HOUR_S for place in range(round(DAY_S / step_s))]
    waves = [(1 - cos((hour - _TROUGH_H) / 24 * 2 * pi)) / 2 for hour in hours]
    return [low + (peak_rate - low) * wave for wave in waves]


def read_day(file: Path) -> list[float]:
    """Read a day's rates: one number a line, requests a second; 24 are hours, 1440 minutes.

    A line may have something else before its last comma, such as the time.

    Raises:
        ConfigError: the file cannot be read, or is not like that.
    """
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the day's rates in {file} cannot be read: {error}") from error
    told = [line for line in lines if line and not line.startswith("#")]
    rates = [_rate(file, line) for line in told]
    if len(rates) < 2 or max(rates) <= 0:
        raise ConfigError(f"{file} needs at least 2 rates, one a line, and one that is not 0")
    return rates


def _rate(file: Path, line: str) -> float:
    try:
        rate = float(line.rpartition(",")[2])
    except ValueError:
        rate = -1.0
    if not 0 <= rate < 1e9:
        raise ConfigError(f"{line!r} in {file} is not a rate in requests a second")
    return rate


def steepest(rates: Sequence[float], *, step_s: float, within_s: float) -> float:
    """By which factor the rate rises at most within so many seconds; straight between steps."""
    pairs = pairwise(rates)
    share = min(1.0, within_s / step_s)
    return max([1.0, *(1 + share * (b / a - 1) for a, b in pairs if a > 0)])


@dataclass(frozen=True, slots=True)
class Bearing:
    """What a replica bears.

    Attributes:
        curve: how it does at some rates, ascending.
        most: requests a second that it answers at most.
        limit: requests that may wait for one replica.
        tokens: of a request.
    """

    curve: Sequence[Point]
    most: float
    limit: float
    tokens: float


def replay(
    rates: Sequence[float], *, step_s: float, bearing: Bearing, scaling: Scaling, limit_ms: float
) -> Replayed:
    """Let an autoscaler follow a day's load.

    Args:
        rates: requests a second, for ``step_s`` each; straight between the middles of the steps.
        step_s: seconds of each.
        bearing: what a replica does.
        scaling: what the autoscaler does.
        limit_ms: of p99, for the share of requests that came in good times.
    """
    scaler = Scaler(scaling)
    fleet = Fleet(ready=_first(rates[0], bearing, scaling))
    moments: list[Moment] = []
    n_ticks = round(len(rates) * step_s / scaling.every_s)
    for tick in range(n_ticks):
        now = tick * scaling.every_s
        rate = _rate_at(rates, now / step_s)
        fleet.arrive(now)
        moments.append(_tick(now, rate, fleet, bearing, scaler))
        fleet.resize(moments[-1].wanted, now + scaling.start_s)
    return _summed(moments, scaling.every_s, limit_ms)


def _first(rate: float, bearing: Bearing, scaling: Scaling) -> int:
    """As many replicas as the first rate of the day needs."""
    busy = read_off(bearing.curve, bearing.most, "busy_share")
    needed = ceil(rate / bearing.most * busy / scaling.busy)
    return min(max(scaling.least, needed, 1), scaling.most)


def _rate_at(rates: Sequence[float], place: float) -> float:
    """The rate at a place in the steps, straight between their middles, the day being round."""
    left = int(place - 0.5) if place >= 0.5 else -1
    share = place - 0.5 - left
    return rates[left] * (1 - share) + rates[(left + 1) % len(rates)] * share


def _tick(now: float, rate: float, fleet: Fleet, bearing: Bearing, scaler: Scaler) -> Moment:
    """Serve a stretch of the load and look at the figures that scale."""
    seconds = scaler.scaling.every_s
    most = fleet.ready * bearing.most
    waited = fleet.backlog + max(0.0, (rate - most) * seconds)
    if rate < most:
        waited = max(0.0, fleet.backlog - (most - rate) * seconds)
    refused = max(0.0, waited - fleet.ready * bearing.limit)
    before, fleet.backlog = fleet.backlog, waited - refused
    each = rate / fleet.ready
    is_behind = max(before, fleet.backlog) > 0
    flowing = bearing.most if is_behind else each
    p99_ms = read_off(bearing.curve, flowing, "p99_ms")
    p99_ms += max(before, fleet.backlog) / most * 1e3
    waiting = fleet.backlog * bearing.tokens / fleet.ready
    busy = read_off(bearing.curve, flowing, "busy_share")
    waiting += read_off(bearing.curve, flowing, "waiting_tokens")
    wanted = scaler.wanted(now, fleet, busy=busy, waiting_tokens=waiting)
    return Moment(
        at_s=now, rate=rate, replicas=fleet.ready, wanted=wanted, p99_ms=p99_ms, refused=refused
    )


def _summed(moments: Sequence[Moment], step_s: float, limit_ms: float) -> Replayed:
    sent = sum(moment.rate for moment in moments) * step_s
    within = sum(m.rate * step_s for m in moments if m.p99_ms <= limit_ms)
    return Replayed(
        moments=tuple(moments),
        step_s=step_s,
        replica_hours=sum(moment.replicas for moment in moments) * step_s / HOUR_S,
        most_replicas=max(moment.replicas for moment in moments),
        worst_p99_ms=max(moment.p99_ms for moment in moments),
        within_share=within / sent,
        refused_share=sum(moment.refused for moment in moments) / sent,
    )
