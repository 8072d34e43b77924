"""Who may wait, and what whoever may not is told."""

from __future__ import annotations

import numpy as np
import pytest

from goldcrest.batching.choice import Choice, Offer
from goldcrest.batching.policy import Policy
from goldcrest.batching.queue import JobQueue
from goldcrest.errors import Overloaded
from goldcrest.names import Priority
from goldcrest.values import Encoding, Job, Plan, Shape, Urgency

PACE = 0.01


def queue_of(*, limit_tokens: int = 10_000, max_wait_s: float = 1000.0) -> JobQueue:
    queue = JobQueue(Policy(limit_tokens=limit_tokens, max_wait_s=max_wait_s))
    for lane in ("bert", "minilm"):
        queue.open(lane, pace=lambda: PACE)
    return queue


def push(
    queue: JobQueue,
    *n_tokens: int,
    lane: str = "bert",
    priority: Priority = "default",
    deadline_s: float | None = None,
    caller: str = "",
    running_s: float = 0.0,
) -> list[Job]:
    encodings = [Encoding(np.zeros(n, np.int32)) for n in n_tokens]
    urgency = Urgency(priority, deadline_s, caller)
    return queue.admit(lane, encodings, urgency, now=0.0, running_s=running_s)


def flood(queue: JobQueue, caller: str) -> Overloaded:
    """Push until no more is admitted; returns why not."""
    while True:
        try:
            push(queue, 10, caller=caller)
        except Overloaded as refused:
            return refused


def refusals(queue: JobQueue) -> dict[tuple[str, ...], float]:
    return {labels: n for _, labels, n in queue.admission.samples()}


def test_request_beyond_the_limit_is_refused_whole():
    queue = queue_of(limit_tokens=100)
    push(queue, 60)

    with pytest.raises(Overloaded, match=r"60 tokens are waiting; 50 more .* limit of 100"):
        push(queue, 25, 25)
    assert 1 == queue.n_jobs


def test_refusal_says_when_there_will_be_room():
    queue = queue_of(limit_tokens=100)
    push(queue, 60)

    with pytest.raises(Overloaded) as refused:
        push(queue, 50)

    assert refused.value.retry_after_s == pytest.approx(10 * PACE)


def test_a_class_of_which_nothing_waits_may_exceed_the_limit():
    queue = queue_of(limit_tokens=100)
    push(queue, 100, priority="bulk")

    push(queue, 200, priority="interactive")

    assert 300 == queue.n_tokens


def test_bulk_work_takes_no_room_from_interactive_work():
    queue = queue_of(limit_tokens=100)
    push(queue, 100, priority="bulk")
    push(queue, 50, priority="interactive")

    push(queue, 50, priority="interactive")

    with pytest.raises(Overloaded):
        push(queue, 1, priority="bulk")


def test_job_that_would_be_answered_past_its_deadline_is_refused():
    queue = queue_of()
    push(queue, 60)

    with pytest.raises(Overloaded, match=r"about 0.700 s, longer than the 0.400 s of the deadline"):
        push(queue, 10, deadline_s=0.5)


def test_work_that_would_wait_too_long_is_refused():
    queue = queue_of(max_wait_s=0.5)
    push(queue, 60)

    with pytest.raises(Overloaded, match=r"about 0.700 s, longer than the 0.500 s that work may"):
        push(queue, 10)


def test_predicted_wait_counts_only_what_goes_before():
    queue = queue_of()
    push(queue, 60)

    (hasty,) = push(queue, 10, deadline_s=0.5, priority="interactive")

    assert hasty == queue.take(0.0, first).jobs[0]


def test_predicted_wait_counts_the_grid_that_runs():
    queue = queue_of()
    push(queue, 30)

    with pytest.raises(Overloaded, match=r"about 0.600 s"):
        push(queue, 10, deadline_s=0.5, running_s=0.2)


def test_predicted_wait_counts_the_turns_of_another_lane():
    """It takes turns with this one, so it stands before as much work as this lane has itself."""
    queue = queue_of()
    push(queue, 30, lane="bert")
    push(queue, 500, lane="minilm")

    with pytest.raises(Overloaded, match=r"about 0.800 s"):
        push(queue, 10, lane="bert", deadline_s=0.5)


def test_predicted_wait_counts_what_little_waits_in_another_lane():
    queue = queue_of()
    push(queue, 30, lane="bert")
    push(queue, 12, lane="minilm")

    with pytest.raises(Overloaded, match=r"about 0.520 s"):
        push(queue, 10, lane="bert", deadline_s=0.5)


def test_bulk_work_of_another_lane_does_not_count_before_interactive_work():
    queue = queue_of()
    push(queue, 1000, lane="minilm", priority="bulk")
    push(queue, 10, lane="bert", priority="interactive")

    assert push(queue, 10, lane="bert", priority="interactive", deadline_s=0.3)


def test_a_flooding_caller_does_not_count_before_another():
    queue = queue_of()
    push(queue, *[10] * 50, caller="flood")

    assert push(queue, 10, caller="other", deadline_s=0.5)
    with pytest.raises(Overloaded):
        push(queue, 10, caller="flood", deadline_s=0.5)


def test_what_nothing_stands_before_is_admitted_however_long_it_takes():
    assert push(queue_of(), 9000, deadline_s=0.5)


def test_refusals_are_counted_by_reason_and_class():
    queue = queue_of(limit_tokens=100, max_wait_s=0.8)
    push(queue, 60)
    for n_tokens, deadline_s in ((50, None), (1, 0.3), (30, None)):
        with pytest.raises(Overloaded):
            push(queue, n_tokens, deadline_s=deadline_s)

    assert {
        ("tokens", "default"): 1,
        ("deadline", "default"): 1,
        ("wait", "default"): 1,
    } == refusals(queue)


def first(_: Offer) -> Choice:
    return Choice(Plan(Shape(1, 64), ((0,),)), "knee", 0.05, 0.01)


def test_a_flooding_caller_leaves_room_for_another():
    queue = queue_of(limit_tokens=100)

    refused = flood(queue, "flood")

    assert "70 tokens of this key are waiting; 10 more" in str(refused)
    assert push(queue, 10, caller="other")


def test_several_flooding_callers_leave_room_for_another():
    queue = queue_of(limit_tokens=1000)

    for caller in ("a", "b", "c"):
        flood(queue, caller)

    assert push(queue, 10, caller="other")


def test_who_shows_no_key_may_take_all_the_room():
    queue = queue_of(limit_tokens=100)

    for _ in range(10):
        push(queue, 10)

    assert 100 == queue.n_tokens
