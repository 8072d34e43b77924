"""Who is admitted, whose turn it is, and who leaves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from goldcrest.batching.queue import WINDOW, JobQueue, Taken
from goldcrest.errors import Overloaded
from goldcrest.values import Encoding, Job, Plan, Shape


def job(
    *,
    n_tokens: int = 10,
    lane: str = "bert",
    arrival: float = 0.0,
    head_start_s: float = 0.0,
    deadline_s: float | None = None,
) -> Job:
    return Job(
        Encoding(np.zeros(n_tokens, np.int32)),
        lane=lane,
        arrival=arrival,
        rank=arrival - head_start_s,
        expires=None if deadline_s is None else arrival + deadline_s,
    )


def queue_of(*jobs: Job, limit_tokens: int = 10_000) -> JobQueue:
    queue = JobQueue(limit_tokens)
    for each in jobs:
        queue.push_all([each], seconds_per_token=0.001)
    return queue


def first(_lane: str, _jobs: Sequence[Job]) -> Plan:
    return Plan(Shape(1, 64), ((0,),))


def everything(_lane: str, jobs: Sequence[Job]) -> Plan:
    return Plan(Shape(1, 512), (tuple(range(len(jobs))),))


def test_empty_queue_has_nobody_to_take():
    assert Taken(None, (), None, ()) == JobQueue(100).take(0.0, everything)


def test_jobs_of_equal_rank_leave_in_order_of_arrival_and_then_of_pushing():
    later = job(arrival=1.0, head_start_s=1.0)
    a, b = job(), job()

    taken = queue_of(later, a, b).take(1.0, everything)

    assert (a, b, later) == taken.jobs


def test_head_start_overtakes():
    patient, hasty = job(arrival=1.0), job(arrival=2.0, head_start_s=5.0)

    assert (hasty,) == queue_of(patient, hasty).take(2.0, first).jobs


def test_jobs_leave_in_the_order_of_the_plan():
    a, b, c = job(), job(), job()

    taken = queue_of(a, b, c).take(0.0, lambda *_: Plan(Shape(2, 64), ((2,), (0,))))

    assert (c, a) == taken.jobs


def test_turn_is_the_lane_of_the_most_urgent_job():
    queue = queue_of(job(lane="bert", arrival=1.0), job(lane="minilm", arrival=0.5))

    assert "minilm" == queue.take(1.0, everything).lane
    assert "bert" == queue.take(1.0, everything).lane


def test_plan_is_offered_no_more_than_the_window():
    queue = queue_of(*(job() for _ in range(WINDOW + 5)), limit_tokens=100_000)

    assert WINDOW == len(queue.take(0.0, everything).jobs)
    assert 5 == queue.waiting("bert")


def test_expired_jobs_are_handed_back_and_never_offered():
    late, alive = job(deadline_s=1.0), job(deadline_s=2.0)

    taken = queue_of(late, alive).take(2.0, everything)

    assert (late,) == taken.expired
    assert (alive,) == taken.jobs


def test_expired_jobs_are_handed_back_even_where_nothing_else_waits():
    late = job(deadline_s=1.0)

    assert Taken(None, (), None, (late,)) == queue_of(late).take(2.0, everything)


def test_expired_jobs_outlive_a_plan_that_fails():
    late, alive = job(deadline_s=1.0), job()
    queue = queue_of(late, alive)
    with pytest.raises(ZeroDivisionError):
        queue.take(2.0, lambda *_: 1 / 0)  # type: ignore[arg-type]  # it fails first

    taken = queue.take(2.0, everything)

    assert (late,) == taken.expired
    assert (alive,) == taken.jobs


def test_discarded_job_leaves_once():
    gone = job()
    queue = queue_of(gone)

    assert queue.discard(gone)
    assert not queue.discard(gone)
    assert Taken(None, (), None, ()) == queue.take(0.0, everything)


def test_request_beyond_the_limit_is_refused_whole():
    queue = queue_of(job(n_tokens=60), limit_tokens=100)

    with pytest.raises(Overloaded, match=r"60 tokens are waiting; 50 more .* limit of 100"):
        queue.push_all([job(n_tokens=25), job(n_tokens=25)], seconds_per_token=0.5)
    assert 1 == len(queue)


def test_refusal_says_when_there_will_be_room():
    queue = queue_of(job(n_tokens=60), limit_tokens=100)

    with pytest.raises(Overloaded) as refused:
        queue.push_all([job(n_tokens=50)], seconds_per_token=0.5)

    assert 5.0 == refused.value.retry_after_s


def test_empty_queue_admits_what_exceeds_the_limit():
    assert 1 == len(queue_of(job(n_tokens=200), limit_tokens=100))


def test_job_that_would_be_answered_past_its_deadline_is_refused():
    queue = queue_of(job(n_tokens=60))

    with pytest.raises(Overloaded, match=r"about 0.700 s, longer than the deadline of 0.500 s"):
        queue.push_all([job(n_tokens=10, deadline_s=0.5)], seconds_per_token=0.01)


def test_predicted_wait_counts_only_what_goes_before():
    queue = queue_of(job(n_tokens=60))
    hasty = job(n_tokens=10, deadline_s=0.5, head_start_s=1.0)

    queue.push_all([hasty], seconds_per_token=0.01)

    assert (hasty,) == queue.take(0.0, first).jobs


def test_oldest_arrival_is_that_of_the_longest_waiting():
    assert 1.0 == queue_of(job(arrival=3.0, head_start_s=9.0), job(arrival=1.0)).oldest_arrival


def test_job_still_expires_after_many_others_have_come_and_gone():
    """The queue then forgets the deadlines of those that have left, and no other."""
    late = job(deadline_s=1.0)
    queue = queue_of(late)
    for _ in range(3 * WINDOW):
        passing = job(deadline_s=9.0)
        queue.push_all([passing], seconds_per_token=0.0)
        queue.discard(passing)

    assert (late,) == queue.take(2.0, everything).expired
