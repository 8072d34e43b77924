"""From what a server was seen to do under a few loads to what a simulation must know of it.

The cost table says what grids of each shape take next to each other; how much more they take on
the machine as it is, and what the rest of a request costs, is found by simulating the same loads
and comparing seconds with seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import msgspec
import numpy as np

from goldcrest.batching.policy import Policy
from goldcrest.loadtest.arrivals import level, poisson
from goldcrest.loadtest.load import Mix
from goldcrest.loadtest.measured import Measured
from goldcrest.loadtest.replica import Runs
from goldcrest.loadtest.simulate import AS_SET, Foreseen, simulate

_ROUNDS = 3
_N_SIMULATED = 2000
_BEFORE = 0.65
"""The part of the event loop's work on a request that comes before the engine's."""
_SIGMA = 0.15
"""Spread of runs around their mean, in logarithms, where no single runs were noted."""
USUAL = tuple(
    float(np.exp(NormalDist(0.0, _SIGMA).inv_cdf((place + 0.5) / 64))) for place in range(64)
)
_BOUNDS = (0.2, 5.0)
_APART = 0.1
"""Wakes per request by which loads must differ for what a wake takes to show."""
_LEAST = 0.3
"""What a request takes beside waking the loop, at least, as a share of all that it takes."""
_FEW = 20
"""Fewer runs than these say nothing of how runs spread."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What a server did in a stretch of load.

    Attributes:
        rate: requests a second.
        n_requests: that were answered.
        engine_s: seconds that the engine was busy.
        loop_s: processor seconds of the event loop, which tokenises too.
        p50_s: the median latency.
        fresh: what single runs took over the cost of their shape, where the engine had nothing to
            do before; empty where that was not noted.
        steady: the same of runs that followed another at once.
    """

    rate: float
    n_requests: int
    engine_s: float
    loop_s: float
    p50_s: float
    fresh: tuple[float, ...] = ()
    steady: tuple[float, ...] = ()


def fitted(
    guess: Measured,
    mix: Mix,
    observed: Sequence[Observed],
    *,
    policy: Policy = AS_SET,
    n: int = _N_SIMULATED,
) -> Measured:
    """Find the figures with which a simulation does what the server did.

    Args:
        guess: its cost table, cores, threads and the like are taken as they are.
        mix: what the requests were like.
        observed: at least one stretch of load, better two: one low, one high.
        policy: the server's.
        n: requests that are simulated each time.
    """
    now = msgspec.structs.replace(
        guess,
        fresh=_centred([ratio for each in observed for ratio in each.fresh]),
        steady=_centred([ratio for each in observed for ratio in each.steady]),
        wake_s=0.0,
        outside_s=0.0,
    )
    for _ in range(_ROUNDS):
        seen = [_simulated(now, mix, each, policy, n) for each in observed]
        now = _corrected(now, observed, seen)
    lowest = min(range(len(observed)), key=lambda place: observed[place].rate)
    foreseen = _simulated(now, mix, observed[lowest], policy, n)
    rest_s = observed[lowest].p50_s - foreseen.quantile_s(0.5)
    return msgspec.structs.replace(now, outside_s=max(0.0, rest_s))


def ratios(
    runs: Sequence[tuple[str, float, float]], costs: Mapping[str, float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Split runs by whether the engine had nothing to do just before.

    Args:
        runs: of one slot in order: the shape, when it began and what it took, in s.
        costs: seconds by shape.

    Returns:
        What they took over the cost of their shape: of those after a pause, and those at once.
    """
    fresh: list[float] = []
    steady: list[float] = []
    ended = -np.inf
    for shape, at, seconds in runs:
        if shape in costs:
            (steady if at - ended < _PAUSE_S else fresh).append(seconds / costs[shape])
        ended = at + seconds
    return tuple(fresh), tuple(steady)


_PAUSE_S = 0.001
"""More than a slot takes between two grids when jobs wait."""


def _centred(found: Sequence[float]) -> tuple[float, ...]:
    """The same spread around 1; a usual one where too few were noted."""
    known = np.asarray(found if len(found) >= _FEW else USUAL)
    return tuple((known / known.mean()).tolist())


def _simulated(
    measured: Measured, mix: Mix, observed: Observed, policy: Policy, n: int
) -> Foreseen:
    """A load like the one observed; the same one in every round, so that they can be compared."""
    curve = level(observed.rate, n / observed.rate)
    times = poisson(curve, np.random.default_rng(1))
    return simulate(measured, mix.load(times, seed=1), policy=policy)


def _corrected(now: Measured, observed: Sequence[Observed], seen: Sequence[Foreseen]) -> Measured:
    loop_s, wake_s = _loop(observed, seen)
    fresh, steady = _engine(observed, seen)
    return msgspec.structs.replace(
        now,
        request_s=_BEFORE * loop_s,
        answer_s=(1 - _BEFORE) * loop_s,
        wake_s=wake_s,
        fresh=tuple(fresh * ratio for ratio in now.fresh),
        steady=tuple(steady * ratio for ratio in now.steady),
    )


def _loop(observed: Sequence[Observed], seen: Sequence[Foreseen]) -> tuple[float, float]:
    """Seconds of the event loop per request, and per time that it wakes."""
    wakes = np.array([each.n_wakes / each.sent for each in seen])
    wanted = np.array([each.loop_s / each.n_requests for each in observed])
    base = float(wanted.mean())
    if np.ptp(wakes) < _APART:
        return base, 0.0
    base = float(np.polyfit(wakes, wanted, 1)[1])
    base = float(np.clip(base, _LEAST * wanted.min(), wanted.mean()))
    wake_s = float(wakes @ (wanted - base) / (wakes @ wakes))
    return (base, wake_s) if wake_s > 0 else (float(wanted.mean()), 0.0)


def _engine(observed: Sequence[Observed], seen: Sequence[Foreseen]) -> tuple[float, float]:
    """By how much runs take longer than simulated: after a pause, and one after another."""
    common = _in_all(observed, seen)
    fresh = _by_runs([each.fresh for each in observed], [each.fresh for each in seen])
    steady = _by_runs([each.steady for each in observed], [each.steady for each in seen])
    if fresh is None or steady is None:
        return common, common
    # Single runs say how the two kinds differ; the counters, which miss no run, say how much all
    # of them took.
    expected = sum(
        (fresh * each.fresh.seconds + steady * each.steady.seconds) / each.sent for each in seen
    )
    wanted = sum(each.engine_s / each.n_requests for each in observed)
    scale = float(np.clip(wanted / expected, *_BOUNDS))
    return fresh * scale, steady * scale


def _in_all(observed: Sequence[Observed], seen: Sequence[Foreseen]) -> float:
    wanted = sum(each.engine_s / each.n_requests for each in observed)
    return float(np.clip(wanted / sum(each.engine_s / each.sent for each in seen), *_BOUNDS))


def _by_runs(noted: Sequence[tuple[float, ...]], simulated: Sequence[Runs]) -> float | None:
    """What runs took over what they took in the simulation; None where too few were noted."""
    pairs = [
        (float(np.mean(ratios)), runs.ratios / runs.n, min(len(ratios), runs.n))
        for ratios, runs in zip(noted, simulated, strict=True)
        if ratios and runs.n
    ]
    weight = sum(n for _, _, n in pairs)
    if weight < _FEW:
        return None
    found = sum(n * real / expected for real, expected, n in pairs) / weight
    return float(np.clip(found, *_BOUNDS))
