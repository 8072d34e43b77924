"""When what is learnt: every batch of a run, and the learning rate at every step; pure."""

from __future__ import annotations

import math

import numpy as np

from goldcrest.distill.batches import Indices, epoch_batches
from goldcrest.distill.config import Stage


def plan(stage: Stage, lengths: Indices) -> list[Indices]:
    """The rows of every batch of a stage in their order, from its seed alone."""
    batches: list[Indices] = []
    for epoch in range(stage.epochs):
        rng = np.random.default_rng([stage.seed, epoch])
        batches += epoch_batches(lengths, tokens=stage.batch_tokens, rows=stage.batch_rows, rng=rng)
        if stage.max_steps and len(batches) >= stage.max_steps:
            break
    return batches[: stage.max_steps or None]


def rate_at(step: int, n_steps: int, warm_up: float) -> float:
    """The share of the learning rate at a step: it rises evenly, then falls evenly to 0."""
    warm = max(1, math.ceil(warm_up * n_steps))
    return min((step + 1) / warm, (n_steps - step) / max(1, n_steps - warm))
