"""Whose turn it is, who goes first, and who leaves."""

from __future__ import annotations

import numpy as np
import pytest

from goldcrest.batching.choice import Choice, Offer, Taken
from goldcrest.batching.policy import Policy
from goldcrest.batching.queue import WINDOW, JobQueue
from goldcrest.names import Priority
from goldcrest.values import Encoding, Job, Plan, Shape, Urgency

PACE = 0.001
NOBODY = Taken(None, (), None, ())


def texts(*n_tokens: int) -> list[Encoding]:
    return [Encoding(np.zeros(n, np.int32)) for n in n_tokens]


class Bench:
    """A queue with two lanes of equal pace."""

    def __init__(self, *, limit_tokens: int = 10_000_000, **shares: float) -> None:
        self.queue = JobQueue(Policy(limit_tokens=limit_tokens, max_wait_s=1e9))
        for lane in ("bert", "minilm"):
            self.queue.open(lane, share=shares.get(lane, 1.0), pace=lambda: PACE)

    def push(
        self,
        *n_tokens: int,
        lane: str = "bert",
        at: float = 0.0,
        priority: Priority | None = None,
        caller: str = "",
        deadline_s: float | None = None,
    ) -> list[Job]:
        urgency = Urgency(priority, deadline_s, caller)
        return self.queue.admit(lane, texts(*n_tokens or (10,)), urgency, now=at)

    def order(self, at: float = 0.0) -> list[Job]:
        """Everything that waits, one job at a time."""
        jobs: list[Job] = []
        while taken := self.queue.take(at, first).jobs:
            jobs += taken
        return jobs


def first(_: Offer) -> Choice:
    return chosen(Plan(Shape(1, 64), ((0,),)))


def everything(offer: Offer) -> Choice:
    return chosen(Plan(Shape(1, 512), (tuple(range(len(offer.jobs))),)))


def chosen(plan: Plan, seconds: float = 0.01) -> Choice:
    return Choice(plan, "knee", 0.05, seconds)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_empty_queue_has_nobody_to_take(bench: Bench):
    assert NOBODY == bench.queue.take(0.0, everything)


def test_jobs_of_equal_rank_leave_in_order_of_arrival_and_then_of_pushing(bench: Bench):
    (later,) = bench.push(at=60.0, caller="c")
    (a,), (b,) = bench.push(caller="a", priority="bulk"), bench.push(caller="b", priority="bulk")

    assert [a, b, later] == bench.order()


def test_head_start_overtakes(bench: Bench):
    (patient,) = bench.push(priority="bulk")
    (hasty,) = bench.push(at=1.0, priority="interactive")

    assert [hasty, patient] == bench.order()


def test_head_start_overtakes_only_what_is_younger_than_it(bench: Bench):
    (patient,) = bench.push(priority="bulk")
    (hasty,) = bench.push(at=121.0, priority="interactive")

    assert [patient, hasty] == bench.order()


def test_fresh_work_of_one_caller_passes_the_backlog_of_another(bench: Bench):
    flood = bench.push(*[100] * 20, caller="a")
    (fresh,) = bench.push(at=0.05, caller="b")

    assert 1 == bench.order().index(fresh)
    assert flood[0].rank < fresh.rank < flood[1].rank


def test_two_callers_that_flood_take_turns(bench: Bench):
    bench.push(*[100] * 20, caller="a")
    bench.push(*[100] * 20, caller="b")

    callers = [job.caller for job in bench.order()]

    assert ["a", "b"] * 20 == callers


def test_one_callers_jobs_keep_their_order_even_if_the_engine_outruns_its_prediction(bench: Bench):
    flood = bench.push(*[100] * 20)
    gone = [job for job in flood[:-1] if bench.queue.discard(job)]
    (later,) = bench.push(at=0.5)

    assert 19 == len(gone)
    assert [flood[-1], later] == bench.order()


def test_jobs_leave_in_the_order_of_the_plan(bench: Bench):
    a, _, c = bench.push(10, 10, 10)

    taken = bench.queue.take(0.0, lambda _: chosen(Plan(Shape(2, 64), ((2,), (0,)))))

    assert (c, a) == taken.jobs
    assert 1 == taken.n_left


def test_lanes_of_one_share_take_turns(bench: Bench):
    bench.push(*[10] * 4, lane="bert")
    bench.push(*[10] * 4, lane="minilm")

    assert ["bert", "minilm"] * 4 == [job.lane for job in bench.order()]


def test_a_lane_of_twice_the_share_gets_twice_the_turns():
    bench = Bench(minilm=2.0)
    bench.push(*[10] * 40, lane="bert")
    bench.push(*[10] * 40, lane="minilm")

    lanes = [job.lane for job in bench.order()[:30]]

    assert 20 == lanes.count("minilm")


def test_a_grid_that_took_longer_than_predicted_costs_its_lane_turns(bench: Bench):
    bench.push(*[10] * 9, lane="bert")
    bench.push(*[10] * 9, lane="minilm")
    bench.queue.take(0.0, first)

    bench.queue.charge("bert", 0.02)

    assert ["minilm"] * 3 + ["bert"] == [job.lane for job in bench.order()[:4]]


def test_a_lane_that_was_idle_is_owed_nothing_for_it(bench: Bench):
    bench.push(*[10] * 200, lane="bert")
    for _ in range(100):
        bench.queue.take(0.0, first)
    bench.push(*[10] * 20, lane="minilm")

    lanes = [job.lane for job in bench.order()[:20]]

    assert ["minilm", "bert"] * 10 == lanes


def test_a_lone_text_waits_for_one_grid_of_another_lane_at_most(bench: Bench):
    bench.push(*[10] * 100, lane="bert")
    bench.queue.take(0.0, first)
    (lone,) = bench.push(lane="minilm")

    assert (lone,) == bench.queue.take(0.0, first).jobs


def test_more_urgent_work_of_another_lane_goes_first(bench: Bench):
    bench.push(*[10] * 5, lane="bert", priority="bulk")
    hasty = bench.push(*[10] * 5, lane="minilm", priority="interactive")

    assert hasty == bench.order()[:5]


def test_more_urgent_work_of_another_lane_does_not_go_first_for_ever(bench: Bench):
    (patient,) = bench.push(lane="bert", priority="bulk")
    bench.push(*[10] * 200, lane="minilm", priority="interactive")

    order: list[Job] = []
    while patient not in order:
        order += bench.queue.take(0.0, lambda _: chosen(Plan(Shape(1, 64), ((0,),)), 1.0)).jobs

    assert 121 == len(order)


def test_plan_is_offered_no_more_than_the_window(bench: Bench):
    bench.push(*[1] * (WINDOW + 5))

    taken = bench.queue.take(0.0, everything)

    assert WINDOW == len(taken.jobs)
    assert taken.n_left == len(bench.queue.line("bert")) == 5


def test_grids_are_short_while_interactive_work_is_about(bench: Bench):
    offered: list[float | None] = []

    def noting(offer: Offer) -> Choice:
        offered.append(offer.longest_s)
        return first(offer)

    bench.push(priority="interactive", lane="minilm")
    bench.push(10, 10, 10, priority="bulk")
    for at in (0.0, 0.5, 1.5):
        bench.queue.take(at, noting)

    assert [0.02, 0.02, None] == offered


def test_expired_jobs_are_handed_back_and_never_offered(bench: Bench):
    (late,), (alive,) = bench.push(deadline_s=1.0), bench.push(deadline_s=2.0)

    taken = bench.queue.take(2.0, everything)

    assert (late,) == taken.expired
    assert (alive,) == taken.jobs


def test_expired_jobs_are_handed_back_even_where_nothing_else_waits(bench: Bench):
    (late,) = bench.push(deadline_s=1.0)

    assert Taken(None, (), None, (late,)) == bench.queue.take(2.0, everything)


def test_expired_jobs_outlive_a_plan_that_fails(bench: Bench):
    (late,), (alive,) = bench.push(deadline_s=1.0), bench.push()
    with pytest.raises(ZeroDivisionError):
        bench.queue.take(2.0, lambda _: 1 / 0)  # type: ignore[arg-type,return-value]  # it fails first

    taken = bench.queue.take(2.0, everything)

    assert (late,) == taken.expired
    assert (alive,) == taken.jobs


def test_discarded_job_leaves_once(bench: Bench):
    (gone,) = bench.push()

    assert bench.queue.discard(gone)
    assert not bench.queue.discard(gone)
    assert NOBODY == bench.queue.take(0.0, everything)


def test_a_lane_that_is_shut_gives_its_jobs_back(bench: Bench):
    jobs = bench.push(10, 20)

    assert jobs == bench.queue.shut("bert")
    assert 0 == bench.queue.n_jobs
    assert NOBODY == bench.queue.take(0.0, everything)


def test_oldest_arrival_is_that_of_the_longest_waiting(bench: Bench):
    bench.push(at=3.0, priority="interactive")
    bench.push(at=1.0)

    assert 1.0 == bench.queue.oldest_arrival


def test_job_still_expires_after_many_others_have_come_and_gone(bench: Bench):
    """The queue then forgets the deadlines of those that have left, and no other."""
    (late,) = bench.push(deadline_s=1.0)
    for _ in range(3 * WINDOW):
        (passing,) = bench.push(deadline_s=9.0)
        bench.queue.discard(passing)

    assert (late,) == bench.queue.take(2.0, everything).expired
