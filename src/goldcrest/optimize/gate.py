"""The gate: how much quality a precision may lose, and what is said of one that loses more; pure."""

from __future__ import annotations

from dataclasses import dataclass

from goldcrest.evaluate import Drop, MetricName

_ALONE = 3.0
"""A share of rows that never changed may still be wrong in 3 / n of them, at 95 % (the rule of
three)."""
_SMOOTH: frozenset[MetricName] = frozenset({"cosine", "spearman"})
"""Metrics to which every row adds a little, so that the bootstrap alone tells how sure they are."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What a precision may lose against f32.

    Attributes:
        max_drop: points, hundredths of the metric.
    """

    metric: MetricName
    max_drop: float

    def passes(self, drop: Drop) -> bool:
        """Whether the loss, as measured, is within the limit."""
        return drop.points <= self.max_drop + 1e-9

    def is_unclear(self, drop: Drop) -> bool:
        """Whether the rows are too few to tell on which side of the limit the loss is."""
        holds_limit = drop.low <= self.max_drop < drop.high
        is_share = self.metric not in _SMOOTH
        is_few = 0 < drop.n_rows * self.max_drop / 100 < _ALONE  # of no loss none are enough
        return holds_limit or (is_share and is_few)

    def sentence(self, drop: Drop) -> str:
        """What the gate says of a loss."""
        said = f"loses {written(drop)} points of {self.metric}"
        if drop.points <= 0:
            said = f"loses nothing of {self.metric} ({written(drop)} points)"
        if not self.passes(drop):
            said += f", more than the limit of {self.max_drop:g}"
        if self.is_unclear(drop):
            said += f"; {drop.n_rows:,} rows are too few to be sure of that"
        return said


def written(drop: Drop) -> str:
    """A loss in points, with its 95 % interval."""
    points, low, high = (number + 0.0 for number in (drop.points, drop.low, drop.high))
    return f"{points:.2f} ({low:.2f} to {high:.2f})"
