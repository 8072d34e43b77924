"""The batcher: the way to the engines and back."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future

from goldcrest.batching.admission import Asked
from goldcrest.batching.aside import Aside
from goldcrest.batching.claims import Claim, Claims
from goldcrest.batching.desk import Clock, Desk
from goldcrest.batching.explaining import explain
from goldcrest.batching.lane import Lane
from goldcrest.batching.policy import Policy
from goldcrest.batching.ticket import Ticket
from goldcrest.batching.watch import Watch
from goldcrest.errors import Draining, Unavailable
from goldcrest.names import PRIORITIES
from goldcrest.records import BatchReport, Explanation, Sample
from goldcrest.values import Encoding, Floats, Job, Urgency

_FINISH_S = 0.05
"""How often a version that is about to close looks for jobs that were withdrawn."""


_AT_THE_DOOR_S = 0.002
"""Withdrawn so shortly before its deadline, work was given up for it, at the door."""


class Batcher:
    """Runs the jobs of all versions on one set of slots.

    Args:
        policy: how work of each class waits.
        n_slots: grids that run at once.
        clock: seconds; only differences matter.
        bystanders_cpu: processor seconds of the threads that are neither slots nor engines, so
            that a report can tell the engines' share of the process.
        report: is told of every grid that ran, on the slot's thread.
        look_s: seconds from one look for slots that hang to the next.
    """

    def __init__(
        self,
        *,
        policy: Policy | None = None,
        n_slots: int = 1,
        clock: Clock = time.perf_counter,
        bystanders_cpu: Clock = lambda: 0.0,
        report: Callable[[BatchReport], None] = lambda _: None,
        look_s: float = 1.0,
    ) -> None:
        self._policy = policy or Policy()
        self._desk = Desk(self._policy, clock, bystanders_cpu, report)
        self._wake, self._clock = self._desk.wake, clock
        self._queue = self._desk.queue
        self._claims = Claims(self._policy, self._queue.admission)
        self._process = os.getpid()
        self._asides: dict[Executor, Aside] = {}
        self._watch = Watch(self._desk, every_s=min(look_s, self._policy.hang_s / 4))
        self._watch.start(n_slots)

    # What it would say of itself -----------------------------------------------------------------

    @property
    def n_tokens(self) -> int:
        """Tokens that wait."""
        return self._queue.n_tokens

    @property
    def n_jobs(self) -> int:
        """Jobs that wait."""
        return self._queue.n_jobs

    @property
    def n_bytes(self) -> int:
        """Bytes of text that wait, those to be tokenised too."""
        return sum(self._claims.n_bytes.values())

    @property
    def is_alive(self) -> bool:
        """Whether every slot turns; told at once, whatever runs."""
        now = self._clock()
        return not self._desk.is_closed and all(
            slot.is_turning(now) for slot in list(self._desk.slots)
        )

    def samples(self) -> Iterator[Sample]:
        """What is told to the metrics, read at the moment of asking."""
        with self._desk.lock:
            waiting = [(priority, self._queue.tokens(priority)) for priority in PRIORITIES]
            counted = [*self._claims.samples(), *self._queue.admission.samples()]
            n_hung = len(self._desk.stuck)
        for priority, n_tokens in waiting:
            yield "waiting_tokens", (priority,), n_tokens
        yield from counted
        yield "hung_slots", (), n_hung

    def explain(self) -> Explanation:
        """Say what waits, what runs, and why the last grids were what they were."""
        with self._desk.lock:
            return explain(self._desk, self._claims)

    # Lanes ---------------------------------------------------------------------------------------

    def open(self, lane: Lane, *, on_hang: Callable[[], None] = lambda: None) -> None:
        """Let a version's jobs run from now on; idle slots warm it.

        Args:
            lane: of the version.
            on_hang: is told if its engine does not come back from a grid; the lane then takes
                nothing more, and it is time to shut it and to open one with a fresh engine.
        """
        with self._desk.lock:
            self._queue.open(lane.name, share=lane.share, pace=lambda: lane.seconds_per_token)
            self._desk.lanes[lane.name] = lane
            self._watch.call(lane.name, on_hang)
            self._wake.notify_all()

    def finish(self, lane: str) -> None:
        """Return when none of a version's jobs waits or runs any more."""
        desk = self._desk
        with self._desk.lock:
            while not desk.is_closed and any(job.lane == lane for job in list(desk.places)):
                self._wake.wait(_FINISH_S)

    def shut(self, lane: str) -> None:
        """Stop running a version's jobs; those that still wait are refused.

        Returns when no grid of it runs any more, but for one that hangs.
        """
        desk = self._desk
        with self._desk.lock:
            left = self._queue.shut(lane)
            desk.lanes.pop(lane, None)
            desk.hung.discard(lane)
            while desk.is_running(lane) and not self._is_slot():
                self._wake.wait()
            self._watch.forget(lane)
        error = Draining(f"{lane} was closed before this was run")
        desk.settle([(job, error) for job in left])

    def shrink(self) -> None:
        """Let every lane do without its largest shapes, because memory is short."""
        with self._desk.lock:
            for lane in self._desk.lanes.values():
                lane.shrink()
            for slot in self._desk.slots:
                slot.buffers.drop()

    def restore(self) -> None:
        """Let all shapes run again."""
        with self._desk.lock:
            for lane in self._desk.lanes.values():
                lane.restore()
            self._wake.notify_all()

    def beside(self, executor: Executor) -> Aside:
        """Where long work of all versions waits for the thread of an executor."""
        return self._asides.setdefault(executor, Aside(executor, self._desk.calm.wait))

    def look(self) -> None:
        """Give up the slots that hang, as the watch does by itself every now and then."""
        self._watch.look()

    # Work ----------------------------------------------------------------------------------------

    def claim(
        self,
        lane: str,
        n_characters: int,
        urgency: Urgency,
        least_tokens: Callable[[], int] = lambda: 0,
    ) -> Claim:
        """Note a request that has arrived, before it is tokenised; a context manager.

        Its bytes wait from now on, and its jobs will count as having arrived now.

        Args:
            lane: name of the version.
            n_characters: of all its texts.
            urgency: of the request.
            least_tokens: fewer it will hardly come to; asked for only if much waits.

        Raises:
            Overloaded: it would be refused once it is tokenised, or tokenising it would take too
                long.
            Draining: the batcher was closed.
            Unloaded: the version was.
            EngineHung: its engine is being replaced.
        """
        priority = urgency.priority or self._policy.unnamed
        self._desk.check_open(lane)
        now = self._clock()
        if not self._queue.admission.is_calm(0, urgency.deadline_s):
            self._check_room(lane, urgency, least_tokens(), now)
        rank = now - self._policy.head_starts[priority]
        claim = Claim(lane, priority, now, rank, n_characters, self._claims)
        self._claims.enter(claim, urgency.deadline_s)
        return claim

    async def submit(
        self,
        lane: str,
        encodings: Sequence[Encoding],
        urgency: Urgency,
        *,
        claim: Claim | None = None,
    ) -> list[Floats]:
        """Run encodings and wait for what is read for each, in order.

        If the caller is cancelled, or one of its jobs fails, those that still wait never reach an
        engine.

        Args:
            lane: name of the version.
            encodings: of one request.
            urgency: of the same.
            claim: what `claim` gave for it, before it was tokenised.

        Raises:
            Overloaded: too much waits already; nothing of this was admitted.
            DeadlineExceeded: some of it waited too long.
            EngineFailed: the engine fails on one of them even when it runs alone.
            EngineHung: the engine did not come back.
            Draining: the batcher was closed.
            Unloaded: the version was.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Floats]] = loop.create_future()
        jobs = self._admit(lane, encodings, urgency, Ticket(len(encodings), future, loop), claim)
        try:
            return await future
        except BaseException:  # he left, or one of them failed: the others are for nobody
            self._withdraw(jobs)
            raise

    def submit_and_wait(
        self, lane: str, encodings: Sequence[Encoding], urgency: Urgency
    ) -> list[Floats]:
        """Do the same for a caller without an event loop; blocks its thread."""
        future: Future[list[Floats]] = Future()
        jobs = self._admit(lane, encodings, urgency, Ticket(len(encodings), future, None), None)
        try:
            return future.result()
        except BaseException:
            self._withdraw(jobs)
            raise

    def close(self) -> None:
        """Let the grids that run end, refuse what still waits, and stop the slots."""
        desk = self._desk
        with self._desk.lock:
            desk.is_closed = True
            self._wake.notify_all()
        self._watch.stop()
        for slot in list(desk.slots):
            if slot.thread is not threading.current_thread():  # a collector may have brought us
                slot.thread.join(self._policy.hang_s)
        error = Draining("the server closed before this was run")
        desk.settle((job, error) for job in list(desk.places))

    # Inside --------------------------------------------------------------------------------------

    def _admit(
        self,
        lane: str,
        encodings: Sequence[Encoding],
        urgency: Urgency,
        ticket: Ticket,
        claim: Claim | None,
    ) -> list[Job]:
        desk = self._desk
        self._check_process()
        with desk.lock:
            self._desk.check_open(lane)
            now = self._clock()
            jobs = self._queue.admit(
                lane,
                encodings,
                urgency,
                now=now,
                arrival=now if claim is None else claim.arrival,
                running_s=desk.running_s(now),
            )
            desk.places.update((job, (ticket, place)) for place, job in enumerate(jobs))
            self._wake.notify_all()
        return jobs

    def _check_room(self, lane: str, urgency: Urgency, n_tokens: int, now: float) -> None:
        """Refuse early what would be refused once it is tokenised."""
        priority = urgency.priority or self._policy.unnamed
        expires = None if urgency.deadline_s is None else now + urgency.deadline_s
        asked = Asked(lane, priority, urgency.caller, now, expires, n_tokens)
        self._check_process()
        with self._desk.lock:
            self._desk.check_open(lane)
            self._queue.admission.check(asked, now=now, running_s=self._desk.running_s(now))

    def _check_process(self) -> None:
        if os.getpid() != self._process:  # its slots are not here, and its lock may be held there
            raise Unavailable("the model was loaded before this process was forked; load it here")

    def _withdraw(self, jobs: Sequence[Job]) -> None:
        with self._desk.lock:
            expires, arrival, now = jobs[0].expires, jobs[0].arrival, self._clock()
            if expires is not None and expires <= now + _AT_THE_DOOR_S:
                self._queue.admission.margin.late(now, expires - arrival)
            for job in jobs:
                if self._queue.discard(job):
                    self._desk.places.pop(job, None)  # the close may have refused it already

    def _is_slot(self) -> bool:
        return any(slot.thread is threading.current_thread() for slot in self._desk.slots)
