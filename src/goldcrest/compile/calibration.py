"""What INT8 is calibrated on: full packed grids, as they run under load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files

from goldcrest.packing.grid import fill
from goldcrest.packing.plan import first_fit
from goldcrest.values import Encoding, Grid, Plan, Shape

SHAPE = Shape(4, 128)


def default_texts() -> list[str]:
    """Everyday English of many kinds and lengths, for those who give no texts of their own."""
    return (files("goldcrest.compile") / "calibration.txt").read_text("utf-8").splitlines()


def packed_grids(encodings: Sequence[Encoding], shape: Shape = SHAPE) -> list[Grid]:
    """Pack encodings, in the order given, into grids of one shape; longer ones are left out.

    Positions and gaps are as in production, so the ranges that are measured are those that will
    occur. The last grid may be part empty.
    """
    return list(_grids([e for e in encodings if e.n_tokens <= shape.width], shape))


def _grids(left: list[Encoding], shape: Shape) -> Iterator[Grid]:
    while left:
        rows = first_fit([encoding.n_tokens for encoding in left], shape.width, shape.rows)
        plan = Plan(shape, tuple(map(tuple, rows)))
        yield fill(plan, left)
        taken = set(plan.chosen)
        left = [encoding for place, encoding in enumerate(left) if place not in taken]
