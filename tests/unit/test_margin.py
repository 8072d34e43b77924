"""What is kept free of deadlines follows what comes too late."""

import pytest

from goldcrest.batching.margin import Margin


def test_nothing_is_kept_free_at_first():
    assert 0.0 == Margin().share


def test_a_late_answer_raises_it_and_those_of_the_same_moment_do_not_again():
    margin = Margin()

    for now in (1.0, 1.01, 1.02):
        margin.late(now)

    assert pytest.approx(0.05) == margin.share


def test_it_never_takes_all_of_a_deadline():
    margin = Margin()

    for now in range(100):
        margin.late(float(now))

    assert 0.8 == margin.share


def test_half_of_it_is_gone_after_some_thousand_answers_in_time():
    margin = Margin()
    margin.late(0.0)

    margin.timely(1400)

    assert pytest.approx(0.025, rel=0.01) == margin.share
