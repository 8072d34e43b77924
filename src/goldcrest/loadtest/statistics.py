"""Figures about latencies: pure functions over arrays and over histograms that add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import ceil

import numpy as np
from numpy.typing import NDArray

from goldcrest.loadtest.result import Histogram, Quantiles

FIRST_MS = 0.01
GROWTH = 1.02
"""A bucket is 2 % wide, so a quantile read from a histogram is at most that far off."""
_N_BUCKETS = 1200
"""The last bucket begins at 2 x 10**8 ms: whatever is longer is in it too."""
_SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99_9": 0.999}

Doubles = NDArray[np.float64]


def quantile(ordered: Doubles, share: float) -> float:
    """The smallest value that at least this share of the values does not exceed; 0 without values.

    No interpolation: with few values a high quantile is the largest one, never a flattering guess.

    Args:
        ordered: ascending.
        share: between 0 and 1.
    """
    n = len(ordered)
    # The tolerance keeps 0.99 x 100, a hair over 99 in floating point, at the 99th value.
    return float(ordered[max(0, ceil(share * n - 1e-9) - 1)]) if n else 0.0


def quantiles(values: Doubles) -> Quantiles:
    """Describe values in ms; all are 0 where there are none."""
    ordered = np.sort(values)
    n = len(ordered)
    return Quantiles(
        n=n,
        mean=float(ordered.mean()) if n else 0.0,
        max=float(ordered[-1]) if n else 0.0,
        **{name: quantile(ordered, share) for name, share in _SHARES.items()},
    )


def histogram(values: Doubles) -> Histogram:
    """Count values, in whatever unit, in buckets that are 2 % wide."""
    scaled = np.maximum(values, FIRST_MS) / FIRST_MS
    buckets = np.minimum((np.log(scaled) / np.log(GROWTH)).astype(np.int64), _N_BUCKETS - 1)
    numbers, counts = np.unique(buckets, return_counts=True)
    filled = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
    return Histogram(first=FIRST_MS, growth=GROWTH, counts=filled)


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """Add histograms up; none at all make an empty one.

    Raises:
        ValueError: their buckets differ.
    """
    total: Counter[int] = Counter()
    first, growth = FIRST_MS, GROWTH
    for number, one in enumerate(histograms):
        if number and (one.first, one.growth) != (first, growth):
            raise ValueError(
                f"histograms whose buckets grow by {growth} and by {one.growth} do not add up"
            )
        first, growth = one.first, one.growth
        total.update(one.counts)
    return Histogram(first=first, growth=growth, counts=dict(sorted(total.items())))


def histogram_quantile(counted: Histogram, share: float) -> float:
    """The middle of the bucket that holds this quantile; 0 for an empty histogram."""
    n = sum(counted.counts.values())
    wanted, passed = max(1, ceil(share * n - 1e-9)), 0
    for bucket in sorted(counted.counts):
        passed += counted.counts[bucket]
        if passed >= wanted:
            return _middle(counted, bucket)
    return 0.0


def histogram_mean(counted: Histogram) -> float:
    """The mean, each value taken as the middle of its bucket; 0 for an empty histogram."""
    n = sum(counted.counts.values())
    total = sum(count * _middle(counted, bucket) for bucket, count in counted.counts.items())
    return total / n if n else 0.0


def _middle(counted: Histogram, bucket: int) -> float:
    return float(counted.first * counted.growth ** (bucket + 0.5))
