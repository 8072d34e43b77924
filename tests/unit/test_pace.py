"""How fast a lane really is."""

from __future__ import annotations

import random

import pytest

from goldcrest.batching.pace import Pace


@pytest.mark.parametrize("spread", [0.05, 0.2])
def test_fewer_than_one_grid_in_a_hundred_exceeds_its_limit(spread: float):
    rng, pace, n_beyond = random.Random(1), Pace(), 0  # noqa: S311  # noise, no secret

    for number in range(20_000):
        seconds = (0.020 - pace.room_s) * rng.lognormvariate(0.0, spread)
        n_beyond += number >= 10_000 and seconds > 0.020
        pace.limited(seconds, 0.020)

    assert 0.004 < n_beyond / 10_000 < 0.012


def test_where_the_machine_is_even_no_room_is_left():
    pace = Pace()
    pace.limited(0.021, 0.020)

    for _ in range(200):
        pace.limited(0.0199, 0.020)

    assert 0 == pace.room_s


def test_a_machine_that_is_slower_throughout_is_corrected_for():
    pace = Pace()

    for _ in range(20):
        pace.ran(0.020, 0.010)

    assert 2.0 == pace.correction


def test_a_single_interrupted_run_hardly_makes_a_shape_look_dear():
    assert 0.010 < Pace().ran(0.100, 0.010) < 0.011
