"""How fast a lane really is."""

from __future__ import annotations

import random

import pytest

from goldcrest.batching.pace import Pace


@pytest.mark.parametrize("spread", [0.05, 0.2])
def test_about_three_runs_in_a_hundred_exceed_the_overrun(spread: float):
    rng, pace, n_beyond = random.Random(1), Pace(), 0  # noqa: S311  # noise, no secret

    for number in range(20_000):
        ratio = rng.lognormvariate(0.0, spread)
        if number >= 10_000:
            n_beyond += ratio > 1 + pace.overrun_s / 0.010
        pace.limited(0.010 * ratio, 0.010)

    assert 0.01 < n_beyond / 10_000 < 0.06


def test_a_machine_that_is_slower_throughout_is_corrected_for():
    pace = Pace()

    for _ in range(20):
        pace.ran(0.020, 0.010)

    assert 2.0 == pace.correction
