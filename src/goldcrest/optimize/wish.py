"""What is asked of an optimisation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from goldcrest.evaluate import MetricName, TextSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked for.

    Attributes:
        model: as the user calls it.
        data: texts of the task.
        held_back: what quality is measured on; None means a part of ``data``.
        metric: None means the one that fits.
        max_drop: points that a candidate may lose.
        demanded: precisions that must pass; empty means that whatever passes is welcome.
        requires_faster: whether something faster than f32 must pass.
        tries_all: whether also what is not likely to be the best is tried.
        out: the folder of the artifact.
        n_rounds: of the measurement of speed.
        command: that is repeated in the report.
    """

    model: str
    data: TextSet
    held_back: TextSet | None = None
    metric: MetricName | None = None
    max_drop: float = 0.5
    demanded: tuple[str, ...] = ()
    requires_faster: bool = False
    tries_all: bool = False
    out: Path
    n_rounds: int = 5
    command: tuple[str, ...] = ()
