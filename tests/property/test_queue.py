"""The queue under arbitrary interleavings of requests, vanishing clients and takes."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests import strategies as our

from goldcrest.batching.choice import Choice, Offer
from goldcrest.batching.policy import Policy
from goldcrest.batching.queue import JobQueue
from goldcrest.errors import Overloaded
from goldcrest.names import PRIORITIES
from goldcrest.packing.plan import NoShape, plan
from goldcrest.values import Job, Plan, Shape

POLICY = Policy(limit_tokens=2000, max_wait_s=1e9)
PACE = 1e-4


class QueueMachine(RuleBasedStateMachine):
    """Holds the queue against a plain list of the jobs that should be waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = JobQueue(POLICY)
        for lane in our.LANES:
            self.queue.open(lane, pace=lambda: PACE)
        self.waiting: list[Job] = []
        self.departed: list[Job] = []
        self.owed: set[Job] = set()  # expired in a take that failed
        self.now = 0.0

    def depart(self, *jobs: Job) -> None:
        """Every job leaves once: it must be waiting, and then it is not."""
        for job in jobs:
            self.waiting.remove(job)
        self.departed.extend(jobs)

    @rule(request=our.requests())
    def admit(self, request: our.RequestSketch) -> None:
        own = [job for job in self.waiting if job.priority == request.urgency.priority]
        free = POLICY.limit_tokens - our.total(own) - sum(request.lengths)
        same = [job for job in own if job.caller == request.urgency.caller]
        is_fair = our.total(same) + sum(request.lengths) <= 3 * free
        fits = free >= 0 and (is_fair or not (same and request.urgency.caller))
        refused: Overloaded | None = None
        before, jobs = self.queue.n_jobs, list[Job]()
        try:
            jobs = self.queue.admit(request.lane, request.encodings, request.urgency, now=self.now)
        except Overloaded as error:
            refused = error

        self.waiting.extend(jobs)
        if refused is None:
            assert fits or not own
        else:
            assert (own and not fits) or request.urgency.deadline_s is not None
            assert refused.retry_after_s >= 0
            assert before == self.queue.n_jobs

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def discard_waiting(self, data: st.DataObject) -> None:
        job = data.draw(st.sampled_from(self.waiting))
        assert self.queue.discard(job)
        self.depart(job)

    @precondition(lambda self: self.departed)
    @rule(data=st.data())
    def discard_departed(self, data: st.DataObject) -> None:
        assert not self.queue.discard(data.draw(st.sampled_from(self.departed)))

    @rule(costs=our.costs(), objective_s=our.seconds, elapsed_s=st.floats(0.0, 5.0))
    def take(self, costs: dict[Shape, float], objective_s: float, elapsed_s: float) -> None:
        offered: list[Job] = []

        def choose(offer: Offer) -> Choice:
            own = [job for job in self.alive() if job.lane == offer.lane]
            assert sorted(own, key=lambda job: job.rank) == list(offer.jobs)
            offered.extend(offer.jobs)
            lengths = [job.n_tokens for job in offer.jobs]
            try:
                planned = plan(lengths, costs, objective_s=objective_s)
            except NoShape:
                planned = Plan(Shape(1, lengths[0]), ((0,),))
            return Choice(planned, "knee", objective_s, costs.get(planned.shape, 0.1))

        self.now += elapsed_s
        self.expire()
        wanting = {job.lane for job in self.alive()}

        taken = self.queue.take(self.now, choose)

        assert self.owed == set(taken.expired)
        assert (not wanting) == (taken.choice is None) == (taken.lane is None)
        assert taken.lane is None or taken.lane in wanting
        assert not offered or offered[0] in taken.jobs
        assert len(offered) - len(taken.jobs) == taken.n_left
        self.owed.clear()
        self.depart(*taken.jobs)

    @precondition(lambda self: self.alive())
    @rule(elapsed_s=st.floats(0.0, 5.0))
    def take_in_vain(self, elapsed_s: float) -> None:
        """Nothing is lost when no plan can be made, not even what expires at that moment."""

        def refuse(offer: Offer) -> Choice:
            raise NoShape(offer.jobs[0].n_tokens)

        if self.alive(self.now + elapsed_s):
            self.now += elapsed_s
            self.expire()
            with pytest.raises(NoShape):
                self.queue.take(self.now, refuse)

    def alive(self, now: float | None = None) -> list[Job]:
        """The jobs, in the order of their arrival, whose deadline has not passed."""
        at = self.now if now is None else now
        return [job for job in self.waiting if job.expires is None or job.expires >= at]

    def expire(self) -> None:
        """What expires now leaves with the next take that succeeds."""
        expired = set(self.waiting) - set(self.alive())
        self.depart(*expired)
        self.owed |= expired

    @invariant()
    def counts_are_exact(self) -> None:
        assert len(self.waiting) == len(self.queue) == self.queue.n_jobs
        assert our.total(self.waiting) == self.queue.n_tokens
        assert min((job.arrival for job in self.waiting), default=None) == (
            self.queue.oldest_arrival
        )
        for lane in our.LANES:
            own = [job for job in self.waiting if job.lane == lane]
            line = self.queue.line(lane)
            assert len(own) == len(line)
            for priority in PRIORITIES:
                jobs = [job for job in own if job.priority == priority]
                assert (len(jobs), our.total(jobs)) == (line.jobs[priority], line.tokens[priority])

    @invariant()
    def waiting_is_bounded(self) -> None:
        """A job may be passed by later ones for its head start and its caller's backlog only."""
        for job in self.waiting:
            fresh = job.arrival - POLICY.head_starts[job.priority]
            backlog = POLICY.limit_tokens + 6 * 512  # what finds nothing waiting may be more
            assert fresh <= job.rank <= fresh + backlog * PACE

    @invariant()
    def a_callers_jobs_of_a_class_keep_their_order(self) -> None:
        last: dict[tuple[str, str, str], float] = {}
        for job in self.waiting:
            key = (job.lane, job.caller, job.priority)
            assert last.get(key, float("-inf")) <= job.rank
            last[key] = job.rank

    def teardown(self) -> None:
        """As the most urgent of a lane always leaves, no more takes than jobs empty the queue."""
        for _ in range(len(self.waiting)):
            self.take({Shape(1, 512): 0.02}, 0.05, 0.0)
        assert [] == self.waiting
        assert 0 == self.queue.n_tokens


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
