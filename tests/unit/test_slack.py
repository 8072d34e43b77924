"""How much is left free below a limit."""

from __future__ import annotations

import random

import pytest

from goldcrest.batching.slack import Slack


def one(slack: Slack, factor: float, *, is_crowded: bool = False) -> bool:
    """A grid that is predicted to come up to the slack; returns whether it exceeded the limit."""
    seconds = (0.020 - slack.below(0.020, is_crowded=is_crowded)) * factor
    slack.ran(seconds, 0.020, is_crowded=is_crowded)
    return seconds > 0.020


@pytest.mark.parametrize("spread", [0.05, 0.2])
def test_fewer_than_one_grid_in_a_hundred_exceeds_its_limit(spread: float):
    rng, slack = random.Random(1), Slack()  # noqa: S311  # noise, no secret

    beyond = [one(slack, rng.lognormvariate(0.0, spread)) for _ in range(20_000)]

    assert 0.003 < sum(beyond[10_000:]) / 10_000 < 0.01


def test_those_that_follow_a_large_request_do_not_make_others_smaller():
    rng, slack = random.Random(1), Slack()  # noqa: S311  # noise, no secret

    beyond = 0
    for number in range(40_000):
        is_crowded = number % 10 == 0
        spread = 0.2 if is_crowded else 0.02
        factor = rng.lognormvariate(0.0, spread)
        beyond += one(slack, factor, is_crowded=is_crowded) and number >= 20_000

    assert beyond / 20_000 < 0.01
    assert slack.below(0.020, is_crowded=False) < 0.002
    assert 0.005 < slack.below(0.020, is_crowded=True)


def test_at_first_a_part_of_the_limit_is_left():
    assert pytest.approx(0.004) == Slack().below(0.020, is_crowded=True)


def test_where_the_machine_is_even_nothing_is_left():
    slack = Slack()

    for _ in range(1200):
        one(slack, 0.999)

    assert 0 == slack.below(0.020, is_crowded=False)


def test_never_more_than_half_is_left():
    slack = Slack()

    for _ in range(100):
        slack.ran(0.1, 0.020, is_crowded=False)

    assert 0.010 == slack.below(0.020, is_crowded=False)
