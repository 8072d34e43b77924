"""Intervals by the bootstrap: what a figure would have been on other rows of the same kind.

Source: B. Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float64]
"""How often each row was drawn. *Shape:* ``(n_resamples, n_rows)``."""
Values = NDArray[np.float64]
"""A figure per resample. *Shape:* ``(n_resamples,)``."""
Statistic = Callable[[Weights], Values]

N_RESAMPLES = 2000
_SLOTS = 1 << 20
"""Weights that are made at once: 8 MiB."""


def resamples(n_rows: int, *, n_resamples: int = N_RESAMPLES, seed: int = 0) -> Iterator[Weights]:
    """Draw as many rows as there are, with replacement, so many times; some resamples at a time."""
    generator = np.random.default_rng(seed)
    at_once = max(1, _SLOTS // n_rows)
    for start in range(0, n_resamples, at_once):
        n = min(at_once, n_resamples - start)
        drawn = generator.integers(n_rows, size=(n, n_rows))
        drawn += np.arange(n)[:, None] * n_rows
        counts = np.bincount(drawn.ravel(), minlength=n * n_rows)
        yield counts.reshape(n, n_rows).astype(np.float64)


def value(statistic: Statistic, n_rows: int) -> float:
    """The figure on the rows as they are."""
    return float(statistic(np.ones((1, n_rows)))[0])


def interval(values: Values) -> tuple[float, float]:
    """Where 95 % of the values lie."""
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def spread(statistic: Statistic, n_rows: int, *, seed: int = 0) -> tuple[float, float]:
    """The 95 % interval of a figure."""
    return interval(np.concatenate([statistic(part) for part in resamples(n_rows, seed=seed)]))
