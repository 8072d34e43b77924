"""What others on the machine took of the processors meanwhile: noise that no figure shows."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass

from benchmarks.process import machine_time


@dataclass(frozen=True)
class Moment:
    """Counters at one moment, in seconds: the clock, all processors, and what is ours of them."""

    at: float
    busy_s: float
    ours_s: float


def moment() -> Moment:
    """Reads them; what is ours counts processes once they have ended, servers too."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ours_s = sum(sum(resource.getrusage(kind)[:2]) for kind in kinds)
    machine = machine_time()
    return Moment(time.perf_counter(), machine.busy_s + machine.stolen_s, ours_s)


def others_cores(before: Moment, after: Moment) -> float:
    """Processors that neither we nor what we started kept busy, on average."""
    others_s = (after.busy_s - before.busy_s) - (after.ours_s - before.ours_s)
    return max(0.0, others_s / (after.at - before.at))
