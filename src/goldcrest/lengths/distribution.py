"""How many tokens texts have: counted one by one, or known by buckets alone; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Wholes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Between:
    """A figure, or the bounds of one that is not known better."""

    low: float
    high: float

    @property
    def is_exact(self) -> bool:
        return self.low == self.high

    def over(self, whole: float) -> Between:
        """As a share."""
        return Between(self.low / whole, self.high / whole)


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """Groups of texts, the shortest first; no two overlap.

    Attributes:
        lows: the least tokens that a text of a group may have. *Shape:* ``(n_groups,)``.
        highs: the most; the same where the group is exact. *Shape:* ``(n_groups,)``.
        counts: texts, at least one. *Shape:* ``(n_groups,)``.
        n_tokens: of all texts together.
    """

    lows: Wholes
    highs: Wholes
    counts: Wholes
    n_tokens: int

    @property
    def n_texts(self) -> int:
        return int(self.counts.sum())

    @property
    def is_exact(self) -> bool:
        return bool((self.lows == self.highs).all())

    @property
    def mean(self) -> float:
        return self.n_tokens / self.n_texts

    def n_longer(self, limit: int) -> Between:
        """How many texts have more tokens than that."""
        sure, possible = self.lows > limit, self.highs > limit
        return Between(float(self.counts[sure].sum()), float(self.counts[possible].sum()))

    def n_dropped(self, limit: int) -> Between:
        """How many tokens are lost where texts are cut there."""
        run = self.n_run(limit)
        return Between(self.n_tokens - run.high, self.n_tokens - run.low)

    def n_run(self, limit: int) -> Between:
        """How many tokens are left where texts are cut there."""
        least = int((self.counts * np.minimum(self.lows, limit)).sum())
        most = int((self.counts * np.minimum(self.highs, limit)).sum())
        surely_lost = int((self.counts * np.maximum(self.lows - limit, 0)).sum())
        perhaps_lost = int((self.counts * np.maximum(self.highs - limit, 0)).sum())
        return Between(
            float(max(least, self.n_tokens - perhaps_lost)),
            float(min(most, self.n_tokens - surely_lost)),
        )

    def quantile(self, share: float) -> int:
        """The most tokens that the shortest texts have, so many of all as a share."""
        place = int(np.searchsorted(np.cumsum(self.counts), share * self.n_texts - 1e-9))
        return int(self.highs[min(place, len(self.highs) - 1)])

    def buckets(self, bounds: Sequence[int]) -> list[int]:
        """How many texts have at most so many tokens, more than the bound before; last, others."""
        places = np.searchsorted(bounds, self.highs)
        counts = np.bincount(places, self.counts, len(bounds) + 1)
        return [int(count) for count in counts]

    def sample(self, n: int, *, seed: int = 0) -> Wholes:
        """Lengths of so many texts, drawn at random; where only bounds are known, as it may be.

        Texts of a group then count as equally long, all at the same place between their bounds:
        the one at which they come to the tokens that there are.
        """
        wide = float(((self.highs - self.lows) * self.counts).sum())
        beyond = self.n_tokens - float((self.lows * self.counts).sum())
        place = min(max(beyond / wide, 0.0), 1.0) if wide else 0.0
        lengths = np.rint(self.lows + place * (self.highs - self.lows)).astype(np.int64)
        shares = self.counts / self.n_texts
        return np.random.default_rng(seed).choice(lengths, size=n, p=shares)


def of_lengths(lengths: Sequence[int]) -> Distribution:
    """Of texts that were counted, at least one."""
    found, counts = np.unique(np.asarray(lengths, np.int64), return_counts=True)
    return Distribution(found, found, counts.astype(np.int64), int(np.sum(lengths)))


def of_buckets(bounds: Sequence[int], counts: Sequence[int], n_tokens: int) -> Distribution:
    """Of a histogram with at least one text in it.

    Args:
        bounds: the most tokens of each bucket but the last, ascending.
        counts: texts per bucket; the last has those above all bounds.
        n_tokens: of all texts together.
    """
    lows = np.array([1, *(bound + 1 for bound in bounds)], np.int64)
    texts = np.array(counts, np.int64)
    # no text of the last bucket is longer than if all others were as short as they may be
    rest = n_tokens - int((lows * texts).sum()) + int(lows[-1])
    highs = np.array([*bounds, max(int(lows[-1]), rest)], np.int64)
    kept = texts > 0
    return Distribution(lows[kept], highs[kept], texts[kept], n_tokens)
