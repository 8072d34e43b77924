"""What others on the machine took of the processors meanwhile: noise that no figure shows."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

_STAT = Path("/proc/stat")


@dataclass(frozen=True, slots=True)
class Moment:
    """Counters at one moment, in seconds.

    Attributes:
        at: the clock.
        busy_s: of all processors, what the host took from them included; None: unknown.
        ours_s: of this process.
    """

    at: float
    busy_s: float | None
    ours_s: float


def moment() -> Moment:
    """Read the counters."""
    return Moment(time.perf_counter(), _busy_s(), time.process_time())


def others_cores(before: Moment, after: Moment) -> float | None:
    """Processors that anything but this process kept busy, on average; None where it is unknown."""
    if before.busy_s is None or after.busy_s is None or after.at <= before.at:
        return None
    others_s = (after.busy_s - before.busy_s) - (after.ours_s - before.ours_s)
    return max(0.0, others_s / (after.at - before.at))


def _busy_s() -> float | None:
    """Of the line "cpu": user nice system idle iowait irq softirq steal, in ticks."""
    try:
        fields = _STAT.read_text(encoding="ascii").partition("\n")[0].split()
        user, nice, system, _, _, irq, softirq, steal = map(int, fields[1:9])
    except (OSError, ValueError):
        return None
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
