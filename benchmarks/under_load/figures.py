"""Figures and the bars they are held against; pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


def percentile(values: npt.ArrayLike, share: float) -> float:
    """A percentile; not a number where there are no values."""
    found = np.asarray(values, float)
    return float(np.percentile(found, share)) if found.size else float("nan")


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """The median of the slopes of all pairs of points, which a few outliers do not move."""
    points_x, points_y = np.asarray(x, float), np.asarray(y, float)
    if len(points_x) < 2:
        return float("nan")
    first, second = np.triu_indices(len(points_x), k=1)
    apart = points_x[second] - points_x[first]
    kept = apart != 0
    if not kept.any():
        return float("nan")
    return float(np.median((points_y[second] - points_y[first])[kept] / apart[kept]))


def middle(values: Sequence[float]) -> float:
    """The median; not a number where there are none."""
    return statistics.median(values) if values else float("nan")


@dataclass(frozen=True)
class Bar:
    """A figure and the limit it must keep."""

    name: str
    figure: float
    limit: float
    unit: str
    is_floor: bool = False
    digits: int = 2

    @property
    def is_met(self) -> bool:
        """Whether it is kept; a figure that is missing does not keep any."""
        if np.isnan(self.figure) or np.isnan(self.limit):
            return False
        return self.figure >= self.limit if self.is_floor else self.figure <= self.limit

    def __str__(self) -> str:
        sign = ">=" if self.is_floor else "<="
        verdict = "met" if self.is_met else "NOT MET"
        numbers = f"{self.figure:,.{self.digits}f} {sign} {self.limit:,.{self.digits}f}"
        return f"{self.name}: {numbers} {self.unit}: {verdict}"
