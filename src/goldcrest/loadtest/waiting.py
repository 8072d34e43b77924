"""The seam between the simulator and the scheduler: the real queue, lane and cost table.

Everything that decides is the batcher's own; here its classes are only put together as the batcher
puts them together, with the time as an argument.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goldcrest.batching.choice import Choice, Offer
from goldcrest.batching.lane import Lane
from goldcrest.batching.policy import Policy
from goldcrest.batching.queue import JobQueue
from goldcrest.loadtest.measured import Measured
from goldcrest.names import Priority
from goldcrest.values import Encoding, Job, Outputs, Shape, Urgency

_LANE = "simulated"


@dataclass(frozen=True, slots=True)
class Batch:
    """What left the queue together.

    Attributes:
        shape: of the grid; None where nothing waited.
        predicted_s: what the server would expect it to take.
    """

    jobs: tuple[Job, ...]
    shape: Shape | None = None
    predicted_s: float = 0.0
    has_left_jobs: bool = False
    expired: tuple[Job, ...] = ()


class Waiting:
    """The jobs of one replica that wait, and what decides which of them run.

    Args:
        measured: the replica; its whole ladder is warm.
        policy: how work of each class waits.
    """

    def __init__(self, measured: Measured, policy: Policy) -> None:
        table = measured.table()
        shapes = sorted(table.measured, key=lambda shape: (shape.n_slots, shape.rows))
        self._lane = Lane(
            _LANE,
            _never,
            ladder=shapes,
            costs=table,
            objective_s=measured.objective_s,
            n_first=1,
        )
        for shape in shapes:
            for _ in range(2):  # the first run of a shape only compiles it
                self._lane.observe(shape, measured.costs[str(shape)])
        self._queue = JobQueue(policy)
        self._queue.open(_LANE, pace=lambda: self._lane.seconds_per_token)
        self._encodings: dict[int, Encoding] = {}
        self._urgencies: dict[tuple[Priority, float | None], Urgency] = {}

    @property
    def n_jobs(self) -> int:
        return self._queue.n_jobs

    @property
    def n_tokens(self) -> int:
        return self._queue.n_tokens

    def push(
        self,
        lengths: Sequence[int],
        *,
        now: float,
        priority: Priority,
        deadline_s: float | None,
        running_s: float,
    ) -> list[Job]:
        """Admit the texts of a request.

        Raises:
            Overloaded: as the queue does.
        """
        encodings = [self._encoding(n_tokens) for n_tokens in lengths]
        asked = priority, deadline_s
        if asked not in self._urgencies:
            self._urgencies[asked] = Urgency(priority, deadline_s)
        urgency = self._urgencies[asked]
        return self._queue.admit(_LANE, encodings, urgency, now=now, running_s=running_s)

    def take(self, now: float) -> Batch:
        """Remove the jobs that run next, and those that have expired."""
        taken = self._queue.take(now, self._choose)
        if taken.choice is None:
            return Batch((), expired=taken.expired)
        choice = taken.choice
        return Batch(
            taken.jobs, choice.plan.shape, choice.predicted_s, taken.n_left > 0, taken.expired
        )

    def ran(self, batch: Batch, seconds: float) -> None:
        """Let the lane learn from a run, as it does in a server."""
        if batch.shape is None:
            return
        self._lane.observe(batch.shape, seconds)
        if batch.has_left_jobs:
            n_tokens = sum([len(job.encoding.ids) for job in batch.jobs])
            self._lane.packed(batch.shape, n_tokens)
        self._queue.charge(_LANE, seconds - batch.predicted_s)

    def _choose(self, offer: Offer) -> Choice:
        return self._lane.choose(offer)

    def _encoding(self, n_tokens: int) -> Encoding:
        """An encoding of that length; a simulation looks at nothing else of it."""
        if n_tokens not in self._encodings:
            self._encodings[n_tokens] = Encoding(np.zeros(n_tokens, np.int32))
        return self._encodings[n_tokens]


def _never(_: object) -> Outputs:
    raise NotImplementedError("a simulated lane runs no grid")
