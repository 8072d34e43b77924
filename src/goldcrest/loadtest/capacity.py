"""What one replica bears within an objective, and how it does at loads below, as simulated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import msgspec
import numpy as np

from goldcrest.batching.policy import Policy
from goldcrest.loadtest.arrivals import level, poisson
from goldcrest.loadtest.load import Mix
from goldcrest.loadtest.measured import Measured
from goldcrest.loadtest.result import Slo
from goldcrest.loadtest.simulate import AS_SET, Foreseen, simulate

N = 4000
"""Requests that are simulated at each rate."""
_STEPS = 8
"""Halvings: the sustainable rate is found to 1/256 of the highest."""
_SHARES = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1.0)
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
_WARM_UP = 0.05


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """How one replica does at one rate.

    Attributes:
        rate: requests a second.
        busy_share: of the time, the engine's.
        loop_share: of the time, the event loop's.
        waiting_tokens: on average, whenever a grid is formed.
    """

    rate: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    busy_share: float
    loop_share: float
    waiting_tokens: float
    refused_share: float


@dataclass(frozen=True, slots=True)
class Replicas:
    """One kind of replica and what it is asked, ready to be simulated.

    Attributes:
        n: requests that are simulated at each rate.
    """

    measured: Measured
    mix: Mix
    policy: Policy = AS_SET
    n_workers: int = 1
    n: int = N

    def at(self, rate: float, *, seed: int = 1) -> Foreseen:
        """Simulate one worker of a replica that gets ``rate`` requests a second."""
        each = rate / self.n_workers
        times = poisson(level(each, self.n / each), np.random.default_rng(seed))
        load = self.mix.load(times, seed=seed)
        return simulate(self.measured, load, policy=self.policy, seed=seed, warm_up=_WARM_UP)

    def point(self, rate: float) -> Point:
        """How a replica does at one rate."""
        seen = self.at(rate)
        return Point(
            rate=rate,
            p50_ms=seen.quantile_s(0.5) * 1e3,
            p95_ms=seen.quantile_s(0.95) * 1e3,
            p99_ms=seen.quantile_s(0.99) * 1e3,
            busy_share=seen.busy_share,
            loop_share=seen.loop_share,
            waiting_tokens=float(seen.waiting_tokens.mean()) if len(seen.waiting_tokens) else 0.0,
            refused_share=seen.refused / seen.sent,
        )

    def most(self) -> float:
        """Requests a second that a replica answers when far more are asked for."""
        tokens = float(np.mean(self.mix.lengths)) * self.mix.texts_per_request
        table = self.measured.table()
        pace = min(table.costs([shape])[shape] / shape.n_slots for shape in table.measured)
        seen = self.at(2.0 * self.n_workers / max(pace * tokens, 1e-6))
        return seen.answered / seen.seconds * self.n_workers / (1 - _WARM_UP)

    def sustainable(self, slo: Slo) -> float:
        """The highest rate within an objective; 0 where it is broken at every rate."""
        most = self.most()
        low, high = 0.0, most
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if is_within(self.at(middle), slo) else (low, middle)
        return low

    def curve(self, sustainable: float, most: float) -> tuple[Point, ...]:
        """How a replica does from little load to the highest it sustains, and as full as can be."""
        rates = [share * sustainable for share in _SHARES]
        beyond = [rate for rate in (0.97 * most,) if rate > 1.02 * sustainable]
        return tuple(self.point(rate) for rate in (*rates, *beyond))


def is_within(seen: Foreseen, slo: Slo) -> bool:
    """Whether what was simulated keeps an objective."""
    return all(
        _keeps(shown(seen, term.measure, slo), term.measure, term.limit) for term in slo.terms
    )


def shown(seen: Foreseen, measure: str, slo: Slo) -> float:
    """What a simulation has to show for a measure: ms, or a share of what was sent."""
    if measure in _QUANTILES:
        return seen.quantile_s(_QUANTILES[measure]) * 1e3 if seen.answered else inf
    if measure == "mean":
        return float(seen.latencies_s.mean()) * 1e3 if seen.answered else inf
    if measure == "goodput":
        limits = [t.limit for t in slo.terms if t.measure in (*_QUANTILES, "mean")]
        good = int((seen.latencies_s * 1e3 <= max(limits, default=inf)).sum())
        return good / max(1, seen.sent)
    return (seen.refused if measure == "refused" else seen.expired) / max(1, seen.sent)


def _keeps(value: float, measure: str, limit: float) -> bool:
    return value >= limit if measure == "goodput" else value <= limit


def read_off(curve: Sequence[Point], rate: float, name: str) -> float:
    """A figure of a curve at some rate, straight between its points and level outside.

    No figure of a point falls when there is more to do; where it seems to, it is chance.
    """
    rates = [point.rate for point in curve]
    figures = np.maximum.accumulate([getattr(point, name) for point in curve])
    return float(np.interp(rate, rates, figures))
