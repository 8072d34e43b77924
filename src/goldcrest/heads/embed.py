"""Embeddings: states to one vector per item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from goldcrest.errors import InvalidRequest
from goldcrest.values import Arrays, Floats, Grid, Pooling


@dataclass(frozen=True, slots=True)
class EmbedHead:
    """One pooled vector per item.

    Attributes:
        pooling: how an item's states become one vector.
        normalize: whether vectors have length 1 unless the caller says otherwise.
        dimensions: of a vector.
    """

    pooling: Pooling
    normalize: bool
    dimensions: int
    labels: tuple[str, ...] = ()

    def answers(self, arrays: Arrays, grid: Grid) -> Floats:
        """The vector of each job, not normalised. *Shape:* ``(n_jobs, dimensions)``."""
        states = arrays["states"]
        if self.pooling == "cls":
            return states[: grid.n_jobs].astype(np.float32)
        return pool(states, grid, self.pooling)

    def present(self, values: Sequence[Floats], options: Mapping[str, Any]) -> Floats:
        """Vectors, cut and normalised as asked. *Shape:* ``(n_items, dimensions)``.

        Raises:
            InvalidRequest: more dimensions are asked for than there are.
        """
        n_dimensions = self._dimensions(options)
        if not values:
            return np.empty((0, n_dimensions), np.float32)
        vectors = np.stack(values)[:, :n_dimensions]
        normalize = options.get("normalize")
        return unit(vectors) if (self.normalize if normalize is None else normalize) else vectors

    def _dimensions(self, options: Mapping[str, Any]) -> int:
        asked = options.get("dimensions")
        if asked is None:
            return self.dimensions
        if not 1 <= asked <= self.dimensions:
            raise InvalidRequest(f"dimensions must be 1 to {self.dimensions}, not {asked}")
        return int(asked)


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


def unit(vectors: Floats) -> Floats:
    """Scale each vector to length 1; a zero vector stays zero."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    result: Floats = vectors / np.maximum(norms, 1e-12)
    return result
