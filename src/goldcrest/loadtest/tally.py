"""Turns what became of requests into the figures of a step; pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import msgspec
import numpy as np

from goldcrest.loadtest.columns import Rows
from goldcrest.loadtest.connection import FAILURES, OK, REFUSED
from goldcrest.loadtest.crew import Sent
from goldcrest.loadtest.making import LABELS
from goldcrest.loadtest.objective import is_within, latency_limit_ms
from goldcrest.loadtest.result import (
    ClassResult,
    Kind,
    Lag,
    Mode,
    Quantiles,
    ServerStep,
    Slo,
    Step,
)
from goldcrest.loadtest.statistics import histogram, quantile, quantiles

MAX_CPU_SHARE = 0.9
MAX_LAG_MS = 5.0
MAX_LAG_SHARE = 0.25
MAX_WAITED_SHARE = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a step was to be."""

    kind: Kind
    mode: Mode
    rate: float
    clients: int
    slo: Slo | None


def step(
    asked: Asked, sent: Sent, *, starts_at: float = 0.0, server: ServerStep | None = None
) -> Step:
    """The figures of one step.

    Args:
        asked: what it was to be.
        sent: what the sending processes saw.
        starts_at: seconds since the test began.
        server: what the server counted meanwhile.
    """
    rows, seconds = sent.rows, max(sent.seconds, 1e-9)
    good = rows.outcome == OK
    latency_ms = rows.latency[good] * 1000
    limit_ms = latency_limit_ms(asked.slo)
    latency, lag = quantiles(latency_ms), _lag(sent)
    in_time = good & (rows.due + rows.latency <= seconds)
    made = Step(
        kind=asked.kind,
        mode=asked.mode,
        asked_rate=asked.rate,
        clients=asked.clients,
        seconds=seconds,
        starts_at=starts_at,
        sent=len(rows),
        answered=int(good.sum()),
        refused=int((rows.outcome >= REFUSED).sum()),
        errors=_errors(rows),
        rate=float(in_time.sum() / seconds),
        goodput=float((latency_ms <= limit_ms).sum() / max(1, len(rows))),
        latency=latency,
        histogram=histogram(latency_ms),
        refusal_ms=_refusals(rows),
        by_class=_by_class(rows),
        lag=lag,
        problem=_problem(sent, lag, latency),
        server=server,
        timeline=_timeline(rows, seconds),
    )
    return _judged(made, asked.slo)


def _judged(made: Step, slo: Slo | None) -> Step:
    if slo is None or made.kind == "warm-up":
        return made
    return msgspec.structs.replace(made, is_within=is_within(made, slo))


def _errors(rows: Rows) -> Mapping[str, int]:
    codes = rows.outcome[(rows.outcome != OK) & (rows.outcome < REFUSED)]
    counted = Counter(codes.tolist())
    return {FAILURES.get(code, str(code)): n for code, n in sorted(counted.items())}


def _refusals(rows: Rows) -> Quantiles | None:
    refused = rows.latency[rows.outcome >= REFUSED]
    return quantiles(refused * 1000) if len(refused) else None


def _by_class(rows: Rows) -> Mapping[str, ClassResult]:
    labels = np.unique(rows.label).tolist()
    if labels in ([], [0]):
        return {}
    return {
        LABELS[label] or "unnamed": _class_result(rows.where(rows.label == label))
        for label in labels
    }


def _class_result(rows: Rows) -> ClassResult:
    good, refused = rows.outcome == OK, rows.outcome >= REFUSED
    latency_ms = rows.latency[good] * 1000
    return ClassResult(
        sent=len(rows),
        answered=int(good.sum()),
        refused=int(refused.sum()),
        errors=int((~good & ~refused).sum()),
        latency=quantiles(latency_ms),
        histogram=histogram(latency_ms),
    )


def _lag(sent: Sent) -> Lag:
    ordered = np.sort(sent.rows.lag * 1000)
    return Lag(
        p50_ms=quantile(ordered, 0.5),
        p99_ms=quantile(ordered, 0.99),
        max_ms=quantile(ordered, 1.0),
        cpu_share=sent.cpu_share,
        n_waited=sent.n_waited,
    )


def _problem(sent: Sent, lag: Lag, latency: Quantiles) -> str:
    """Why the client rather than the server was the limit, in a sentence; empty if it was not."""
    if lag.cpu_share > MAX_CPU_SHARE:
        return (
            f"the client was the limit: one of its processes was busy {lag.cpu_share:.0%} of the "
            "time; use more --processes"
        )
    allowed = max(MAX_LAG_MS, MAX_LAG_SHARE * latency.p99)
    if lag.p99_ms > allowed:
        return (
            f"the client was the limit: 1 % of the requests left more than {lag.p99_ms:.1f} ms "
            f"late, and {allowed:.1f} ms would be tolerable; give it a core of its own"
        )
    if sent.n_waited > MAX_WAITED_SHARE * len(sent.rows):
        return (
            f"the client was the limit: {sent.n_waited} requests waited for a connection; allow "
            "more with --max-connections"
        )
    return ""


def _timeline(rows: Rows, seconds: float) -> tuple[tuple[float, int, float, int], ...]:
    """Per second in which they ended: (second, answers, p99 in ms, errors and refusals)."""
    if not len(rows):
        return ()
    second = np.floor(rows.due + rows.latency).astype(np.int64)
    by_second = np.argsort(second, kind="stable")
    n_seconds = min(int(second.max()), int(seconds) + 120) + 1
    bounds = np.searchsorted(second[by_second], np.arange(n_seconds + 1))
    good, latency_ms = (rows.outcome == OK)[by_second], rows.latency[by_second] * 1000
    points = []
    for number, (low, high) in enumerate(pairwise(bounds.tolist())):
        ordered = np.sort(latency_ms[low:high][good[low:high]])
        n_bad = high - low - len(ordered)
        points.append((float(number), len(ordered), quantile(ordered, 0.99), n_bad))
    return tuple(points)
