"""The queue under arbitrary interleavings of requests, vanishing clients and takes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests import strategies as our

from goldcrest.batching.queue import JobQueue
from goldcrest.errors import Overloaded
from goldcrest.packing.plan import NoShape, plan
from goldcrest.values import Job, Plan, Shape

LIMIT_TOKENS = 2000


class QueueMachine(RuleBasedStateMachine):
    """Holds the queue against a plain list of the jobs that should be waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = JobQueue(LIMIT_TOKENS)
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
    def push(self, request: our.RequestSketch) -> None:
        jobs = request.jobs(self.now)
        fits = our.total(self.waiting) + our.total(jobs) <= LIMIT_TOKENS
        if fits or not self.waiting:
            self.queue.push_all(jobs, seconds_per_token=0.0)
            self.waiting.extend(jobs)
        else:
            with pytest.raises(Overloaded):
                self.queue.push_all(jobs, seconds_per_token=0.0)

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
        def choose(lane: str, jobs: Sequence[Job]) -> Plan:
            own = [job for job in self.alive() if job.lane == lane]
            assert sorted(own, key=lambda job: job.rank) == list(jobs)
            lengths = [job.n_tokens for job in jobs]
            try:
                return plan(lengths, costs, objective_s=objective_s)
            except NoShape:
                return Plan(Shape(1, lengths[0]), ((0,),))

        self.now += elapsed_s
        self.expire()
        most_urgent = min(self.alive(), key=lambda job: job.rank, default=None)

        taken = self.queue.take(self.now, choose)

        assert self.owed == set(taken.expired)
        assert (most_urgent is None) == (taken.plan is None) == (taken.lane is None)
        assert most_urgent is None or most_urgent.lane == taken.lane
        assert most_urgent is None or most_urgent in taken.jobs
        self.owed.clear()
        self.depart(*taken.jobs)

    @precondition(lambda self: self.alive())
    @rule(elapsed_s=st.floats(0.0, 5.0))
    def take_in_vain(self, elapsed_s: float) -> None:
        """Nothing is lost when no plan can be made, not even what expires at that moment."""

        def refuse(_lane: str, jobs: Sequence[Job]) -> Plan:
            raise NoShape(jobs[0].n_tokens)

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
        for lane in ("bert", "distilbert", "minilm"):
            assert sum(job.lane == lane for job in self.waiting) == self.queue.waiting(lane)

    def teardown(self) -> None:
        """As the most urgent always leaves, no more takes than jobs empty the queue."""
        for _ in range(len(self.waiting)):
            self.take({Shape(1, 512): 0.02}, 0.05, 0.0)
        assert [] == self.waiting
        assert 0 == self.queue.n_tokens


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
