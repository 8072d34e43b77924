"""A running load test in figures: what the last seconds brought, and a line per finished step."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from goldcrest.loadtest.columns import Chunk, Rows
from goldcrest.loadtest.connection import OK, REFUSED
from goldcrest.loadtest.result import Step
from goldcrest.loadtest.statistics import quantile

_WINDOW_S = 2.0


@dataclass(frozen=True, slots=True)
class Moment:
    """What was seen in the last seconds, and the failures of the step so far."""

    rate: float
    p50_ms: float
    p99_ms: float
    errors: int
    refused: int

    def __str__(self) -> str:
        return (
            f"{self.rate:7.0f}/s  p50 {self.p50_ms:7.1f} ms  p99 {self.p99_ms:7.1f} ms  "
            f"errors {self.errors}  refused {self.refused}"
        )


@dataclass(slots=True)
class Recent:
    """The rows of the last seconds."""

    began: float = 0.0
    chunks: list[tuple[float, Rows]] = field(default_factory=list)
    errors: int = 0
    refused: int = 0

    def add(self, chunk: Chunk, now: float) -> Moment:
        rows = Rows.join([chunk])
        self.errors += int(((rows.outcome != OK) & (rows.outcome < REFUSED)).sum())
        self.refused += int((rows.outcome >= REFUSED).sum())
        self.chunks = [(at, kept) for at, kept in self.chunks if at > now - _WINDOW_S]
        self.chunks.append((now, rows))
        good = [kept.latency[kept.outcome == OK] for _, kept in self.chunks]
        ordered = np.sort(np.concatenate(good)) * 1000
        seconds = max(0.25, min(_WINDOW_S, now - self.began))
        return Moment(
            rate=len(ordered) / seconds,
            p50_ms=quantile(ordered, 0.5),
            p99_ms=quantile(ordered, 0.99),
            errors=self.errors,
            refused=self.refused,
        )


def line(step: Step) -> str:
    """A finished step on a line."""
    asked = f"{step.clients} clients" if step.clients else f"{step.asked_rate:.4g}/s"
    verdict = {True: "  held", False: "  did not hold", None: ""}[step.is_within]
    failed = f"  errors {step.n_errors}" if step.n_errors else ""
    refused = f"  refused {step.refused}" if step.refused else ""
    text = (
        f"{step.kind:>8} {asked:>12}: {step.rate:7.1f}/s  p50 {step.latency.p50:6.1f}  "
        f"p95 {step.latency.p95:6.1f}  p99 {step.latency.p99:6.1f} ms{failed}{refused}{verdict}"
    )
    return f"{text}\n          {step.problem}" if step.problem else text
