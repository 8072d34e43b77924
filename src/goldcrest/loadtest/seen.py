"""What a report of a load test says that a simulation needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec
import numpy as np

from goldcrest.errors import ConfigError
from goldcrest.loadtest.capacity import N, Replicas
from goldcrest.loadtest.fitting import Observed, fitted, ratios
from goldcrest.loadtest.load import Mix
from goldcrest.loadtest.measured import GRID_S, Measured
from goldcrest.loadtest.result import Histogram, LoadReport, ServerStep, Step
from goldcrest.loadtest.subject import Server
from goldcrest.names import Priority

_N_LENGTHS = 2000
_HIGH = 0.65
"""Of the highest rate that was kept up: the second load to fit to; the first is the lowest."""
_PACE = 0.95
"""The share of the requests that must be answered in time for a step to show a steady state."""
START_S = 15.0
"""From the start of a process until it is ready, where the test did not see it."""


def replicas(report: LoadReport, *, n: int = N) -> tuple[Replicas, Replicas]:
    """A replica such as the server that was tested, with the requests that it was sent.

    Args:
        report: of the load test.
        n: requests that are simulated at each rate.

    Returns:
        It as it was tested, beside the client where they shared a machine; and it alone.

    Raises:
        ConfigError: the report lacks what that needs.
    """
    server = report.server
    steps = _steady(report)
    if server is None or not server.lanes or not any(lane.costs for lane in server.lanes):
        raise ConfigError(
            f"the report of {report.target.url} has no cost table: plan from a test of a "
            "Goldcrest server whose /debug/batches can be read"
        )
    if not steps:
        raise ConfigError(
            f"the report of {report.target.url} has no step with open-loop load that the server "
            "kept up with and whose metrics were read"
        )
    mix = _mix(report, server, steps)
    guess = _guess(report, server, steps)
    observed = [_observed(step, server, guess.costs) for step in steps]
    found = fitted(guess, mix, observed, n=max(500, n // 2))
    alone = msgspec.structs.replace(found, client_s=0.0)  # its clients are elsewhere
    tested = Replicas(found, mix, n_workers=server.n_workers, n=n)
    return tested, replace(tested, measured=alone)


def cores(report: LoadReport) -> float:
    """Processors that the tested server had; 1 where nothing is known."""
    server = report.server
    if server is not None and server.constraint is not None and server.constraint.cpus:
        return server.constraint.cpus
    told = server.machine.cores if server is not None else 0
    return float(told or (report.client.machine.cores if report.target.is_local else 0) or 1)


def steady(report: LoadReport) -> tuple[Step, ...]:
    """The steps with open-loop load that the server kept up with, slowest first."""
    kept = [
        step
        for step in report.counted
        if step.mode != "closed"
        and step.kind != "spike"
        and step.asked_rate > 0
        and step.answered >= _PACE * step.sent
        and step.rate >= _PACE * step.asked_rate
    ]
    return tuple(sorted(kept, key=lambda step: step.asked_rate))


def _steady(report: LoadReport) -> list[Step]:
    """The steps to fit to: the lowest, and one at about two thirds of the highest."""
    known = [step for step in steady(report) if step.server is not None and step.server.n_batches]
    if not known:
        return []
    aim = _HIGH * known[-1].asked_rate
    high = min(known, key=lambda step: abs(step.asked_rate - aim))
    return [known[0]] if high is known[0] else [known[0], high]


def _guess(report: LoadReport, server: Server, steps: Sequence[Step]) -> Measured:
    lane = max(server.lanes, key=lambda lane: len(lane.costs))
    each = max(1, round(cores(report) / server.n_workers))
    client_cpu_s = sum(
        step.lag.cpu_share * report.client.n_processes * step.seconds for step in steps
    )
    n_sent = sum(step.sent for step in steps)
    return Measured(
        costs=lane.costs,
        cores=each,
        threads=each,
        client_s=client_cpu_s / max(1, n_sent) if report.target.is_local else 0.0,
        resident_bytes=_resident(report, server),
        start_s=server.start_s or START_S,
    )


def _resident(report: LoadReport, server: Server) -> int:
    counted = [step.server.resident_bytes for step in report.steps if step.server is not None]
    return max([server.resident_bytes, *counted])


def _observed(step: Step, server: Server, costs: Mapping[str, float]) -> Observed:
    """A step as one worker of the server saw it."""
    counted = step.server or ServerStep(busy_s=0.0, busy_share=0.0, engine_cpu_s=0.0)
    fresh, steady = ratios(counted.runs, costs)
    return Observed(
        rate=step.asked_rate / server.n_workers,
        n_requests=max(1, counted.n_requests),
        engine_s=counted.busy_s,
        loop_s=_loop_s(counted),
        p50_s=step.latency.p50 / 1e3,
        fresh=fresh,
        steady=steady,
    )


def _loop_s(counted: ServerStep) -> float:
    """What the event loop took; of a server that does not say, what is not the engine's."""
    if counted.loop_cpu_s is not None:
        return counted.loop_cpu_s
    if counted.cpu_s is None:
        return 0.0
    return max(0.0, counted.cpu_s - counted.engine_cpu_s - GRID_S * counted.n_batches)


def _mix(report: LoadReport, server: Server, steps: Sequence[Step]) -> Mix:
    profile = report.profile
    n_texts = profile.texts_per_request
    counts = [step.server for step in steps if step.server is not None]
    n_asked = sum(count.n_requests for count in counts) * n_texts
    kept = sum(count.n_cache_hits for count in counts) / max(1, n_asked)
    lengths = _lengths(profile.tokens)
    ran = server.tokens_per_request / n_texts / max(1 - kept, 0.01)
    factor = ran / lengths.mean() if ran > 0 else 1.0
    widest = max(int(shape.partition("x")[2]) for lane in server.lanes for shape in lane.costs)
    tokens = np.clip(np.round(lengths * factor), 2, widest).astype(int)
    classes: dict[Priority, float] = {
        name: share  # type: ignore[misc]  # the profile knows no other classes
        for name, share in profile.classes.items()
        if name in ("interactive", "default", "bulk")
    }
    return Mix(
        lengths=tuple(tokens.tolist()),
        texts_per_request=n_texts,
        classes=classes or None,
        kept=min(kept, 0.99),
    )


def _lengths(counted: Histogram) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Values in the proportions of a histogram, evenly through its quantiles."""
    buckets = sorted(counted.counts)
    if not buckets:
        raise ConfigError("the report says nothing of the lengths of the texts")
    sums = np.cumsum([counted.counts[bucket] for bucket in buckets])
    places = (np.arange(_N_LENGTHS) + 0.5) / _N_LENGTHS * sums[-1]
    found = np.asarray(buckets)[np.searchsorted(sums, places)]
    return np.asarray(counted.first * counted.growth ** (found + 0.5), np.float64)
