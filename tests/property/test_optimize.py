"""Optimising: what must hold for every ranking of blocks, and every set of texts."""

from __future__ import annotations

from math import log2
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from goldcrest.evaluate import Row, TextSet
from goldcrest.optimize.parts import parted
from goldcrest.optimize.sensitivity import fewest


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 60))
def test_the_fewest_blocks_are_found_in_few_measurements(n: int, needed: int, most: int) -> None:
    order, asked = [str(number) for number in range(n)], list[int]()

    def passes(chosen: tuple[str, ...]) -> bool:
        asked.append(len(chosen))
        return len(chosen) >= needed

    kept = fewest(order, passes, most=most)

    assert kept == (tuple(order[:needed]) if needed <= min(n, most) else None)
    assert len(asked) <= 2 + 2 * log2(min(n, most) + 1)


@given(st.lists(st.text(min_size=1), min_size=8, max_size=200, unique=True), st.randoms())
def test_no_text_is_calibrated_on_and_judged_by(texts: list[str], random: Random) -> None:
    repeated = [*texts, *random.choices(texts, k=len(texts))]

    parts = parted(TextSet("some", tuple(Row(text) for text in repeated)), "classify")

    judged = {row.item for row in parts.held_back.rows}
    assert not judged & {*parts.calibration, *parts.tuning}
    assert {*texts} == judged | {*parts.calibration, *parts.tuning}
