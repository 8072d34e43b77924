"""What a flood of bulk work costs interactive work, by the clock of a queue that is simulated.

The costs are those of a 66 M model on two cores; the engine takes exactly those.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

import numpy as np
from tests.unit.test_packing_plan import COSTS

from goldcrest.batching.lane import Lane
from goldcrest.batching.policy import Policy
from goldcrest.batching.queue import JobQueue
from goldcrest.errors import Overloaded
from goldcrest.names import Priority
from goldcrest.packing.cost import CostTable
from goldcrest.packing.ladder import ladder
from goldcrest.values import Encoding, Urgency

SECONDS = 20.0
TEXTS = {n: Encoding(np.zeros(n, np.int32)) for n in range(1, 257)}


@dataclass
class Run:
    """One engine, and requests of a text each."""

    policy: Policy
    waits: dict[Priority, list[float]] = field(default_factory=dict)
    tokens: dict[Priority, int] = field(default_factory=dict)
    grids: list[float] = field(default_factory=list)
    n_refused: int = 0

    def go(self, arrivals: list[tuple[float, Priority, int]], *, flood: bool = False) -> Run:
        """Run arrivals (when, class, tokens), and bulk work of a client that always has more."""
        shapes = ladder(512)
        lane = Lane(
            "m", lambda _: [], ladder=shapes, costs=CostTable(COSTS), objective_s=0.05, n_first=1
        )
        for shape in shapes:
            lane.shapes.rehearse(shape, COSTS[shape])
            lane.shapes.rehearse(shape, COSTS[shape])
        queue = JobQueue(self.policy)
        queue.open("m", pace=lambda: lane.seconds_per_token)
        lengths, now, place = random.Random(7), 0.0, 0  # noqa: S311  # lengths, no secret
        while now < SECONDS:
            while place < len(arrivals) and arrivals[place][0] <= now:
                arrival, priority, n_tokens = arrivals[place]
                place += 1
                self._admit(queue, n_tokens, priority, arrival, now)
            while flood and queue.tokens("bulk") < 20_000:
                self._admit(queue, log_normal(lengths), "bulk", now, now)
            taken = queue.take(now, lane.choose)
            if taken.choice is None:
                now = arrivals[place][0] if place < len(arrivals) else SECONDS
                continue
            seconds = COSTS[taken.choice.plan.shape]
            n_tokens = sum(job.n_tokens for job in taken.jobs)
            if taken.n_left:
                lane.packed(taken.choice.plan.shape, n_tokens)
            now += seconds
            queue.charge("m", seconds - taken.choice.predicted_s)
            self.grids.append(seconds)
            for job in taken.jobs:
                self.waits.setdefault(job.priority, []).append(now - job.arrival)
                self.tokens[job.priority] = self.tokens.get(job.priority, 0) + job.n_tokens
        return self

    def p99(self, priority: Priority) -> float:
        return float(np.percentile(self.waits[priority], 99))

    def _admit(
        self, queue: JobQueue, n_tokens: int, priority: Priority, arrival: float, now: float
    ) -> None:
        try:
            queue.admit("m", [TEXTS[n_tokens]], Urgency(priority), now=now, arrival=arrival)
        except Overloaded:
            self.n_refused += 1


def log_normal(lengths: random.Random) -> int:
    return min(max(round(math.exp(lengths.gauss(math.log(22), 0.8))), 4), 256)


def poisson(rate: float, priority: Priority) -> list[tuple[float, Priority, int]]:
    lengths = random.Random(3)  # noqa: S311  # lengths, no secret
    now, arrivals = 0.0, list[tuple[float, Priority, int]]()
    while (now := now + lengths.expovariate(rate)) < SECONDS:
        arrivals.append((now, priority, log_normal(lengths)))
    return arrivals


def test_interactive_work_waits_for_one_short_grid_more_and_bulk_keeps_its_rate():
    interactive = poisson(30, "interactive")  # a tenth of the engine
    alone = Run(Policy()).go(interactive)
    bulk = Run(Policy()).go([], flood=True)
    both = Run(Policy()).go(interactive, flood=True)

    assert len(interactive) - 1 <= len(both.waits["interactive"])  # the last may still run
    assert max(both.grids[1:]) <= 0.02
    assert both.p99("interactive") <= alone.p99("interactive") + 0.02
    assert both.tokens["bulk"] >= 0.75 * bulk.tokens["bulk"]


def test_twice_what_can_be_sustained_is_answered_at_the_full_rate_and_the_rest_refused():
    full = Run(Policy()).go([], flood=True)
    rate = 2 * len(full.waits["bulk"]) / SECONDS

    over = Run(Policy(max_wait_s=0.5)).go(poisson(rate, "default"))

    assert over.tokens["default"] >= 0.9 * full.tokens["bulk"]
    assert over.p99("default") <= 0.6
    assert over.n_refused > 0.4 * rate * SECONDS
