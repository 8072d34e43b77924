"""What is kept free of deadlines follows what comes too late."""

import pytest

from goldcrest.batching.margin import Margin


def test_a_fifth_is_kept_free_at_all_times():
    margin = Margin()

    margin.timely(1_000_000)

    assert 0.2 == margin.share


def test_a_late_answer_raises_it_and_others_do_not_before_that_can_show():
    margin = Margin()

    for now in (1.0, 1.01, 1.02):
        margin.late(now, 0.5)

    assert pytest.approx(0.3) == margin.share


def test_it_never_takes_all_of_a_deadline():
    margin = Margin()

    for now in range(100):
        margin.late(float(now), 0.5)

    assert 0.8 == margin.share


def test_half_of_it_is_gone_after_many_answers_in_time():
    margin = Margin()
    margin.late(0.0, 0.5)

    margin.timely(14_000)

    assert pytest.approx(0.25, rel=0.01) == margin.share
