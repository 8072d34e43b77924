"""What is kept free of deadlines follows what comes too late, and what is refused."""

import pytest

from goldcrest.batching.margin import Margin


def refusing(margin: Margin, since: float, until: float, *, every_s: float = 0.05) -> None:
    for step in range(round((until - since) / every_s) + 1):
        margin.refused(since + step * every_s, 0.5)


def test_a_fifth_is_kept_free_at_all_times():
    margin = Margin()

    margin.timely(0.0, 1_000_000)

    assert 0.2 == margin.share(0.0, 0.5)


def test_a_late_answer_raises_it_and_others_do_not_before_that_can_show():
    margin = Margin()

    for now in (1.0, 1.01, 1.02):
        margin.late(now, 0.5)

    assert pytest.approx(0.3) == margin.share(1.02, 0.5)


def test_it_never_takes_all_of_a_deadline():
    margin = Margin()

    for now in range(100):
        margin.late(float(now), 0.5)

    assert 0.8 == margin.share(100.0, 0.5)


def test_half_of_it_is_gone_after_many_answers_in_time():
    margin = Margin()
    margin.late(0.0, 0.5)

    margin.timely(1.0, 14_000)

    assert pytest.approx(0.25, rel=0.01) == margin.share(1.0, 0.5)


def test_a_burst_may_wait_as_long_as_ever():
    margin = Margin()
    margin.timely(1.0, 8)

    refusing(margin, 1.0, 1.4)

    assert 0.2 == margin.share(1.4, 0.5)


def test_where_work_is_refused_all_through_a_deadline_no_queue_stands():
    margin = Margin()
    refusing(margin, 1.0, 1.8)

    margin.timely(1.8, 8)

    assert 0.5 == margin.share(1.8, 0.5)


def test_it_is_over_once_nothing_is_refused_for_a_deadline():
    margin = Margin()
    refusing(margin, 1.0, 1.8)
    margin.timely(2.3, 8)

    assert 0.2 == margin.share(2.31, 0.5)

    margin.refused(2.31, 0.5)

    assert 0.2 == margin.share(2.32, 0.5)


def test_nothing_more_is_refused_where_only_work_without_deadlines_waits():
    margin = Margin()
    margin.timely(1.0, 8)

    refusing(margin, 1.0, 2.1)

    assert 0.2 == margin.share(2.1, 0.5)


def test_what_late_answers_have_taught_counts_if_it_is_more():
    margin = Margin()
    for now in range(5):
        margin.late(float(now), 0.5)
    refusing(margin, 5.0, 5.8)

    margin.timely(5.8, 1)

    assert pytest.approx(0.7, rel=0.001) == margin.share(5.8, 0.5)
