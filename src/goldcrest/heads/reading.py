"""From the arrays that an engine returns to one array per job; pure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from goldcrest.names import Pooling, Readable
from goldcrest.values import Arrays, Floats, Grid, Outputs

Read = Callable[[Arrays, Grid], Outputs]
"""An engine's arrays and the grid they came from -> a copy of each job's own numbers, in order."""


def reader(readable: Readable, pooling: Pooling = "cls") -> Read:
    """How a readout's arrays are read.

    Args:
        readable: what the graph puts out.
        pooling: how an embedder's states become one vector; nothing to the others.
    """
    if readable == "classify":
        return read_logits
    if readable == "fill":
        return read_picked
    if readable == "embed":
        return lambda arrays, grid: read_vectors(arrays, grid, pooling)
    return read_tokens


def read_logits(arrays: Arrays, grid: Grid) -> Floats:
    """The logits of each text. *Shape:* ``(n_jobs, n_labels)``."""
    return arrays["logits"][: grid.n_jobs].astype(np.float32)


def read_picked(arrays: Arrays, grid: Grid) -> list[Floats]:
    """The logits at the places that each job picked. *Shape* of each: ``(n_picks, n_tokens)``."""
    counts = np.maximum(grid.pick_counts, 1)  # a job that picks nothing has its first token laid
    ends = np.cumsum(counts)
    logits = arrays["logits"]
    return [
        logits[end - count : end].astype(np.float32)
        for end, count in zip(ends.tolist(), counts.tolist(), strict=True)
    ]


def read_tokens(arrays: Arrays, grid: Grid) -> list[Floats]:
    """The logits of every token. *Shape* of each: ``(n_tokens, n_labels)``."""
    return _slices(arrays["logits"], grid)


def read_vectors(arrays: Arrays, grid: Grid, pooling: Pooling) -> Outputs:
    """The pooled vector of each job, ``(n_dimensions,)``; of those that pick, the states picked."""
    states = arrays["states"]
    vectors = (
        states[grid.starts].astype(np.float32) if pooling == "cls" else pool(states, grid, pooling)
    )
    if not grid.pick_counts.any():
        return vectors
    ends = np.cumsum(np.maximum(grid.pick_counts, 1)).tolist()
    return [
        states[grid.picks[end - count : end]].astype(np.float32) if count else vector
        for vector, end, count in zip(vectors, ends, grid.pick_counts.tolist(), strict=True)
    ]


def pool(states: Floats, grid: Grid, pooling: Pooling) -> Floats:
    """Pool each job's states, skipping the gaps between jobs.

    Args:
        states: *Shape:* ``(rows * width, n)``.
        grid: says where each job lies.
        pooling: "mean" or "max".

    Returns:
        *Shape:* ``(n_jobs, n)``.
    """
    bounds = np.stack([grid.starts, grid.starts + grid.lengths], axis=1)
    order = np.argsort(grid.starts)
    edges = bounds[order].ravel()
    # reduceat runs each segment to the next edge: every second one is a gap, and is dropped. An
    # edge past the end is not allowed, so the last gap is left out where a job ends the grid.
    if edges[-1] == len(states):
        edges = edges[:-1]
    reduce = np.maximum if pooling == "max" else np.add
    pooled = np.empty((grid.n_jobs, states.shape[1]), np.float32)
    pooled[order] = reduce.reduceat(states, edges, axis=0)[::2]
    if pooling == "mean":
        pooled /= grid.lengths[:, None]
    return pooled


def _slices(flat: Floats, grid: Grid) -> list[Floats]:
    return [
        flat[start : start + length].astype(np.float32)
        for start, length in zip(grid.starts.tolist(), grid.lengths.tolist(), strict=True)
    ]
