"""Whether a model may replace the one that ships: what INT8 cost, and what the new one lost; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import hypot

from goldcrest.evaluate import Drop, Quality, TextSet, paired

LARGEST_DROP_POINTS = 0.5
"""What INT8 may cost, averaged over the sets."""
LARGEST_ARTIFACT_BYTES = 20_000_000

Qualities = Mapping[str, Quality]
"""By set."""


def drops(before: Qualities, after: Qualities, sets: Sequence[TextSet]) -> dict[str, Drop]:
    """Compare two models, row by row, on each set."""
    return {one.name: paired(before[one.name], after[one.name], one) for one in sets}


def mean_drop(by_set: Mapping[str, Drop]) -> Drop:
    """Return the mean over the sets; their intervals, being independent, add up like noise."""
    each = list(by_set.values())
    points = sum(drop.points for drop in each) / len(each)
    low = points - hypot(*(drop.points - drop.low for drop in each)) / len(each)
    high = points + hypot(*(drop.high - drop.points for drop in each)) / len(each)
    return Drop(points, low, high, sum(drop.n_rows for drop in each))


def objections(*, int8: Drop, replaced: Drop | None, n_bytes: int) -> list[str]:
    """Return why nothing may be published; none where all is well.

    Args:
        int8: from the student in f32 to its INT8 form, averaged over the sets.
        replaced: from the model that ships now to the new one; None where there is none yet.
        n_bytes: of the whole artifact.
    """
    found = []
    if int8.points > LARGEST_DROP_POINTS:
        found.append(f"INT8 costs {int8.points:.2f} points, more than {LARGEST_DROP_POINTS}")
    if replaced is not None and replaced.low > 0:
        found.append(
            f"it is {replaced.points:.2f} points worse than the model that it would replace, at "
            f"least {replaced.low:.2f}"
        )
    if n_bytes > LARGEST_ARTIFACT_BYTES:
        found.append(f"it has {n_bytes:,} bytes, more than {LARGEST_ARTIFACT_BYTES:,}")
    return found
