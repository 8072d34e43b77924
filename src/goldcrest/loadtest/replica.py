"""One replica in virtual time: an event loop, an engine slot, and the processors they share."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf

import numpy as np

from goldcrest.batching.policy import Policy
from goldcrest.errors import Overloaded
from goldcrest.loadtest.load import Load
from goldcrest.loadtest.measured import Measured
from goldcrest.loadtest.waiting import Batch, Waiting
from goldcrest.values import Job

WAITING, ANSWERED, REFUSED, EXPIRED = range(4)
"""What became of a request."""

_AFTER = 0.4
"""The part of a slot's own work that comes after the run: handing over the answers."""
_DRAWN_AT_ONCE = 4096

Rates = tuple[float, float, float]
"""How fast the client, the event loop and the slot proceed; 1 is a processor of one's own."""


@dataclass(slots=True)
class Worker:
    """Work that one thread does, piece after piece, each with what follows from it.

    Attributes:
        wake_s: what it takes to begin after a pause.
        left: of the piece at hand; infinite while there is none.
        n_wakes: pauses that ended.
    """

    wake_s: float = 0.0
    left: float = inf
    tasks: deque[tuple[float, Callable[[int], None], int]] = field(default_factory=deque)
    busy_s: float = 0.0
    n_wakes: int = 0

    def add(self, seconds: float, then: Callable[[int], None], index: int) -> None:
        if not self.tasks:
            seconds += self.wake_s
            self.n_wakes += 1
            self.left = seconds
        self.tasks.append((seconds, then, index))
        self.busy_s += seconds

    def finish(self) -> None:
        """End the piece at hand, begin the next, and see to what follows."""
        _, then, index = self.tasks.popleft()
        self.left = self.tasks[0][0] if self.tasks else inf
        then(index)


@dataclass(slots=True)
class Runs:
    """Runs of engines, added up.

    Attributes:
        seconds: that they took.
        ratios: what each took over the cost of its shape, added up.
    """

    n: int = 0
    seconds: float = 0.0
    ratios: float = 0.0

    def add(self, seconds: float, cost_s: float) -> None:
        self.n += 1
        self.seconds += seconds
        self.ratios += seconds / cost_s

    def __add__(self, other: Runs) -> Runs:
        return Runs(self.n + other.n, self.seconds + other.seconds, self.ratios + other.ratios)


class Replica:
    """Serves the requests of a load; ``run`` may be called once.

    Three threads share the processors evenly whenever they want more than there are: the sender
    of the load if it is on the same machine, the event loop, and the slot with the threads of its
    engine. The loop and the slot's own work share the interpreter as well.

    Args:
        measured: what each piece of work takes.
        policy: how work of each class waits.
        load: its requests, in order of their times.
        seed: of the spread of runs.

    Attributes:
        ended: when each request was answered or refused.
        became: what became of each.
        runs: of the engine; under True those that began when it had nothing to do before.
        waiting_tokens: tokens that waited, each time a grid was formed.
    """

    def __init__(self, measured: Measured, policy: Policy, load: Load, *, seed: int) -> None:
        self._measured, self._load = measured, load
        self._waiting = Waiting(measured, policy)
        self._now = 0.0
        self._client, self._loop = Worker(), Worker(measured.wake_s)
        self._slot_left = inf
        self._phase = "idle"
        self._batch = Batch(())
        self._run_began = 0.0
        self._true = measured.table()
        self._rates = _rates(measured)
        rng = np.random.default_rng(seed)
        self._fresh, self._steady = _draws(measured.fresh, rng), _draws(measured.steady, rng)
        self._is_fresh = True
        self._owners: dict[Job, int] = {}
        self._left = [0] * load.n
        self._base_s = 0.0
        self.ended = np.zeros(load.n)
        self.became = np.zeros(load.n, np.int8)
        self.runs = {True: Runs(), False: Runs()}
        self.waiting_tokens: list[int] = []

    @property
    def n_wakes(self) -> int:
        """How often the event loop began to work after a pause."""
        return self._loop.n_wakes

    @property
    def loop_s(self) -> float:
        """Seconds of work that the event loop did."""
        return self._loop.busy_s

    @property
    def ended_at(self) -> float:
        """When the last piece of work was done."""
        return self._now

    def run(self) -> None:
        """Serve all requests to the end."""
        times = [*self._load.times.tolist(), inf]
        index = 0
        client, loop = self._client, self._loop
        while True:
            rate_c, rate_l, rate_s = self._rates[client.left < inf, loop.left < inf, self._phase]
            until_c, until_l = client.left / rate_c, loop.left / rate_l
            until_s, until_a = self._slot_left / rate_s, times[index] - self._now
            step = min(until_c, until_l, until_s, until_a)
            if step == inf:
                return
            self._advance(step, rate_c, rate_l, rate_s)
            if step == until_a:
                self._now = times[index]
                self._send(index)
                index += 1
            elif step == until_s:
                self._slot_done()
            else:
                (client if step == until_c else loop).finish()

    def _advance(self, step: float, rate_c: float, rate_l: float, rate_s: float) -> None:
        self._now += step
        self._client.left = max(0.0, self._client.left - step * rate_c)
        self._loop.left = max(0.0, self._loop.left - step * rate_l)
        self._slot_left = max(0.0, self._slot_left - step * rate_s)

    # The way of a request ---------------------------------------------------------------------

    def _send(self, index: int) -> None:
        if self._measured.client_s:
            self._client.add(self._measured.client_s / 2, self._receive, index)
        else:
            self._receive(index)

    def _receive(self, index: int) -> None:
        self._loop.add(self._measured.request_s, self._admit, index)

    def _admit(self, index: int) -> None:
        load = self._load
        try:
            jobs = self._waiting.push(
                load.texts[index],
                now=self._now,
                priority=load.priorities[index],
                deadline_s=load.deadlines[index],
                running_s=self._running_s(),
            )
        except Overloaded:
            self.became[index] = REFUSED
            self._answer(index)
            return
        self._left[index] = len(jobs)
        for job in jobs:
            self._owners[job] = index
        if not jobs:  # all of it was kept from earlier
            self._answer(index)
        elif self._phase == "idle":
            self._is_fresh = True
            self._take()

    def _running_s(self) -> float:
        """What the server expects the grid at hand to take from now on."""
        if self._phase != "running":
            return 0.0
        return max(0.0, self._run_began + self._batch.predicted_s - self._now)

    def _answer(self, index: int) -> None:
        self._loop.add(self._measured.answer_s, self._written, index)

    def _written(self, index: int) -> None:
        if self._measured.client_s:
            self._client.add(self._measured.client_s / 2, self._end, index)
        else:
            self._end(index)

    def _end(self, index: int) -> None:
        self.ended[index] = self._now
        self.became[index] = self.became[index] or ANSWERED

    # The slot -----------------------------------------------------------------------------------

    def _take(self) -> None:
        """Form the next grid, if anything waits."""
        self.waiting_tokens.append(self._waiting.n_tokens)
        batch = self._batch = self._waiting.take(self._now)
        for job in batch.expired:
            self._fail(self._owners.pop(job))
        if batch.shape is None:
            self._phase, self._slot_left = "idle", inf
        else:
            self._phase, self._slot_left = "forming", self._own_s(1 - _AFTER)

    def _own_s(self, share: float) -> float:
        return share * (self._measured.grid_s + self._measured.job_s * len(self._batch.jobs))

    def _slot_done(self) -> None:
        batch = self._batch
        if self._phase == "forming" and batch.shape is not None:
            self._phase, self._run_began = "running", self._now
            ratio = next(self._fresh if self._is_fresh else self._steady)
            self._base_s = self._true.costs([batch.shape])[batch.shape]
            self._slot_left = ratio * self._base_s
            return
        if self._phase == "running" and batch.shape is not None:
            seconds = self._now - self._run_began
            self._waiting.ran(batch, seconds)
            self.runs[self._is_fresh].add(seconds, self._base_s)
            self._is_fresh = False
            self._phase, self._slot_left = "handing", self._own_s(_AFTER)
            return
        for job in batch.jobs:
            self._job_done(self._owners.pop(job))
        self._take()

    def _job_done(self, index: int) -> None:
        self._left[index] -= 1
        if self._left[index] == 0 and self.became[index] == WAITING:
            self._answer(index)

    def _fail(self, index: int) -> None:
        """One of a request's texts has waited too long, and so has the request."""
        if self.became[index] == WAITING:
            self.became[index] = EXPIRED
            self._answer(index)


def _rates(measured: Measured) -> Mapping[tuple[bool, bool, str], Rates]:
    """How fast each thread proceeds, by which of them have work."""
    wants = {"idle": 0, "forming": 1, "running": measured.threads, "handing": 1}
    rates = {}
    for phase, n_threads in wants.items():
        for client in (False, True):
            for loop in (False, True):
                share = min(1.0, measured.cores / max(1, client + loop + n_threads))
                python = 0.5 if loop and phase in ("forming", "handing") else 1.0
                both = min(share, python)
                slot = share if phase == "running" else both
                rates[client, loop, phase] = (share, both, slot)
    return rates


def _draws(ratios: tuple[float, ...], rng: np.random.Generator) -> Iterator[float]:
    known = np.asarray(ratios or (1.0,))
    while True:
        yield from rng.choice(known, _DRAWN_AT_ONCE).tolist()
