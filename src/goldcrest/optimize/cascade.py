"""The thresholds of a cascade, fitted to what its members are sure of and right about; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil, inf, sqrt

import numpy as np
from numpy.typing import NDArray

from goldcrest.values import Floats

NEVER = inf
"""The threshold of a member whose answers never stand: a cascade does without it."""
_POINTS = 100.0
_SURE = 1.645
"""Standard deviations within which 95 % of a normal distribution lie, on one side."""
_TRIED = 2_500
"""Combinations of thresholds that are tried."""
_MOST = 200
"""Thresholds of one member that are tried."""
_DIGITS = 6
"""Of a threshold, after the point: rounded up, as it will be written."""
_GAIN = 0.1
"""Of the last member's time a cascade must save at least so much."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a member makes of the rows that thresholds are fitted on.

    Attributes:
        confidence: how sure it is. *Shape:* ``(n_rows,)``.
        is_right: whether its answer is the label. *Shape:* ``(n_rows,)``.
        seconds: that it takes. *Shape:* ``(n_rows,)``.
    """

    name: str
    confidence: Floats
    is_right: NDArray[np.bool_]
    seconds: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Point:
    """What thresholds come to on some rows.

    Attributes:
        thresholds: of each member but the last.
        shares: of the rows that each member answers.
        drop: points lost against the last member alone; negative where they are won.
        most: the drop that is not exceeded, with 95 % confidence; never below ``drop``.
        seconds: per row, on average.
    """

    thresholds: tuple[float, ...]
    shares: tuple[float, ...]
    drop: float
    most: float
    seconds: float

    @property
    def escalated(self) -> float:
        """The share of the rows that goes past the first member."""
        return 1.0 - self.shares[0]


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was tried, and what is best.

    Attributes:
        chosen: the fastest of those that stay within the limit; the last member alone, unless
            one saves a tenth of its time: less than that is within what times differ by.
        tried: the points worth a look, by the share of rows that escalate.
        alone: the last member by itself.
    """

    chosen: Point
    tried: tuple[Point, ...]
    alone: Point

    @property
    def kept(self) -> tuple[int, ...]:
        """The places of the members that are needed: a single one where no cascade is."""
        thresholds = (*self.chosen.thresholds, 0.0)
        end = thresholds.index(0.0)  # whoever comes after it is never asked
        return tuple(place for place in range(end + 1) if thresholds[place] != NEVER)


def fit(members: Sequence[Measured], max_drop: float) -> Fitted:
    """Find the thresholds that are fastest and lose little.

    Those are tried between which the answers of a member are spread evenly. A drop counts as little
    where its upper bound does, which the rows that agree make lower and few rows make higher.

    Args:
        members: two at least, in the order in which they are asked.
        max_drop: points that may be lost against the last member.
    """
    n_each = min(_MOST, int(_TRIED ** (1 / (len(members) - 1))))
    ladders = [candidates(member.confidence, n_each) for member in members[:-1]]
    points = [point(members, thresholds) for thresholds in product(*ladders)]
    alone = point(members, (NEVER,) * len(ladders))
    fast = alone.seconds * (1 - _GAIN)
    within = [one for one in points if one.most <= max_drop and one.seconds <= fast]
    chosen = min(within, key=lambda one: (one.seconds, one.drop), default=alone)
    tried = points if len(members) == 2 else list(_front(points))
    return Fitted(chosen, tuple(sorted(tried, key=lambda one: one.escalated)), alone)


def candidates(confidence: Floats, n: int) -> list[float]:
    """Thresholds worth trying: that all answers stand, that none does, and some between.

    Args:
        confidence: of the answers. *Shape:* ``(n_rows,)``.
        n: at most so many.
    """
    known = confidence[np.isfinite(confidence)].astype(np.float64)
    steps = np.quantile(known, np.linspace(0, 1, max(0, n - 2))) if known.size else np.empty(0)
    rounded = np.unique(np.ceil(steps * 10**_DIGITS) / 10**_DIGITS)
    return [0.0, *(one for one in rounded.tolist() if 0 < one <= 1), NEVER]


def point(members: Sequence[Measured], thresholds: Sequence[float]) -> Point:
    """What these thresholds come to on these rows.

    Args:
        members: in the order in which they are asked.
        thresholds: of each member but the last.
    """
    last, n_rows = members[-1], len(members[-1].confidence)
    is_left = np.ones(n_rows, np.bool_)
    shares, seconds, n_lost, n_won = list[float](), 0.0, 0, 0
    for member, threshold in zip(members, (*thresholds, 0.0), strict=True):
        if threshold != NEVER:
            seconds += float(member.seconds[is_left].sum())
        is_sure = True if member is last else member.confidence >= np.float32(threshold)
        stands = is_left & is_sure
        n_lost += int((stands & last.is_right & ~member.is_right).sum())
        n_won += int((stands & member.is_right & ~last.is_right).sum())
        shares.append(float(stands.mean()))
        is_left = is_left & ~stands
    drop = _POINTS * (n_lost - n_won) / n_rows
    is_alone = shares[-1] == 1.0  # then nothing can differ
    most = drop if is_alone else max(drop, _POINTS * bound(n_lost, n_won, n_rows))
    return Point(tuple(thresholds), tuple(shares), drop, most, seconds / n_rows)


def bound(n_lost: int, n_won: int, n_rows: int) -> float:
    """The share that is lost at most, with 95 % confidence.

    Half a row is added to each of the four cases (one right, the other, both, none), so that rows
    without a single difference do not look like certainty.

    Source: A. Agresti, Y. Min, "Simple improved confidence intervals for comparing matched
    proportions", Statistics in Medicine 24, 2005.

    Args:
        n_lost: rows that only the one to be replaced gets right.
        n_won: rows that only the other gets right.
        n_rows: all of them.
    """
    lost, won, n = n_lost + 0.5, n_won + 0.5, n_rows + 2
    share = (lost - won) / n
    return share + _SURE * sqrt((lost + won) - n * share**2) / n


def rows_needed(max_drop: float) -> int:
    """How many rows it takes until no difference at all shows that a drop is within the limit."""
    return ceil(_POINTS * _SURE / max_drop)


def _front(points: Sequence[Point]) -> Iterator[Point]:
    """Those that none beats in both time and drop."""
    least = inf
    for one in sorted(points, key=lambda one: (one.seconds, one.drop)):
        if one.drop < least:
            least = one.drop
            yield one
