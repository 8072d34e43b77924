"""The batcher: the only threads that run engines, and the way to and from them.

A slot is a thread that runs one grid at a time. Whenever it is free it takes the next batch from
the queue itself: no timer forms a batch, and no event loop stands between two grids.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future

from goldcrest.batching.lane import Lane
from goldcrest.batching.queue import JobQueue, Taken
from goldcrest.batching.ticket import Ticket, deliver
from goldcrest.errors import DeadlineExceeded, Draining, EngineFailed, Unavailable, Unloaded
from goldcrest.packing.grid import fill
from goldcrest.values import BatchReport, Encoding, Floats, Grid, Job, Outputs, Plan, Urgency

_log = logging.getLogger(__name__)

_FINISH_S = 0.05
"""How often a version that is about to close looks for jobs that were withdrawn."""

_RESERVE = 4
"""How many times the duration of a run on a cold shape must pass, under load or in a pause."""

Clock = Callable[[], float]
Outcome = tuple[Job, Floats | BaseException]


class Batcher:
    """Runs the jobs of all versions on one set of slots.

    Args:
        limit_tokens: tokens that may wait before requests are refused.
        n_slots: grids that run at once.
        clock: seconds; only differences matter.
        bystanders_cpu: processor seconds of the threads that are neither slots nor engines, so
            that a report can tell the engines' share of the process.
        report: is told of every grid that ran, on the slot's thread.
    """

    def __init__(
        self,
        *,
        limit_tokens: int = 65_536,
        n_slots: int = 1,
        clock: Clock = time.perf_counter,
        bystanders_cpu: Clock = lambda: 0.0,
        report: Callable[[BatchReport], None] = lambda _: None,
    ) -> None:
        self._queue = JobQueue(limit_tokens)
        self._lanes: dict[str, Lane] = {}
        self._places: dict[Job, tuple[Ticket, int]] = {}
        self._wake = threading.Condition()
        self._running: list[str] = []
        self._closed = False
        self._process = os.getpid()
        self._explore_at = 0.0
        self._last_work = float("-inf")
        self._clock, self._bystanders_cpu, self._report = clock, bystanders_cpu, report
        self._slots = [
            threading.Thread(target=self._work, name=f"slot-{number}", daemon=True)
            for number in range(n_slots)
        ]
        for slot in self._slots:
            slot.start()

    @property
    def n_tokens(self) -> int:
        """Tokens that wait."""
        return self._queue.n_tokens

    @property
    def n_jobs(self) -> int:
        """Jobs that wait."""
        return self._queue.n_jobs

    def open(self, lane: Lane) -> None:
        """Let a version's jobs run from now on; idle slots warm it."""
        with self._wake:
            self._lanes[lane.name] = lane
            self._wake.notify_all()

    def finish(self, lane: str) -> None:
        """Return when none of a version's jobs waits or runs any more."""
        with self._wake:
            while not self._closed and any(job.lane == lane for job in list(self._places)):
                self._wake.wait(_FINISH_S)

    def shut(self, lane: str) -> None:
        """Stop running a version's jobs; those that still wait are refused.

        Returns when no grid of it runs any more.
        """
        with self._wake:
            self._lanes.pop(lane, None)
            while lane in self._running and threading.current_thread() not in self._slots:
                self._wake.wait()
            waiting = [job for job in list(self._places) if job.lane == lane]
            left = [job for job in waiting if self._queue.discard(job)]
        error = Draining(f"{lane} was closed before this was run")
        self._settle([(job, error) for job in left])

    async def submit(
        self, lane: str, encodings: Sequence[Encoding], urgency: Urgency
    ) -> list[Floats]:
        """Run encodings and wait for what is read for each, in order.

        If the caller is cancelled, those of its jobs that still wait never reach an engine.

        Raises:
            Overloaded: too much waits already; nothing of this was admitted.
            DeadlineExceeded: some of it waited too long.
            EngineFailed: the engine fails on one of them even when it runs alone.
            Draining: the batcher was closed.
            Unloaded: the version was.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Floats]] = loop.create_future()
        jobs = self._jobs(lane, encodings, urgency)
        self._admit(jobs, Ticket(len(jobs), future, loop))
        try:
            return await future
        except asyncio.CancelledError:
            self._withdraw(jobs)
            raise

    def submit_and_wait(
        self, lane: str, encodings: Sequence[Encoding], urgency: Urgency
    ) -> list[Floats]:
        """Do the same for a caller without an event loop; blocks its thread."""
        future: Future[list[Floats]] = Future()
        jobs = self._jobs(lane, encodings, urgency)
        self._admit(jobs, Ticket(len(jobs), future, None))
        return future.result()

    def close(self) -> None:
        """Let the grids that run end, refuse what still waits, and stop the slots."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        for slot in self._slots:
            if slot is not threading.current_thread():  # a collector may have brought us there
                slot.join()
        error = Draining("the server closed before this was run")
        self._settle((job, error) for job in list(self._places))

    # On the caller's thread -----------------------------------------------------------------

    def _jobs(self, lane: str, encodings: Sequence[Encoding], urgency: Urgency) -> list[Job]:
        now = self._clock()
        rank = now - urgency.head_start_s
        expires = None if urgency.deadline_s is None else now + urgency.deadline_s
        return [Job(encoding, lane, now, rank, expires) for encoding in encodings]

    def _admit(self, jobs: Sequence[Job], ticket: Ticket) -> None:
        if os.getpid() != self._process:
            raise Unavailable("the model was loaded before this process was forked; load it here")
        with self._wake:
            lane = self._lanes.get(jobs[0].lane)
            if self._closed:
                raise Draining("it was closed, and takes no new requests")
            if lane is None:
                raise Unloaded(
                    f"the model {jobs[0].lane!r} was taken out of service; load it again"
                )
            self._queue.push_all(jobs, seconds_per_token=lane.seconds_per_token)
            self._places.update((job, (ticket, place)) for place, job in enumerate(jobs))
            self._wake.notify_all()

    def _withdraw(self, jobs: Sequence[Job]) -> None:
        with self._wake:
            for job in jobs:
                if self._queue.discard(job):
                    del self._places[job]

    # On a slot's thread ---------------------------------------------------------------------

    def _work(self) -> None:
        free_since = self._clock()
        while (step := self._next()) is not None:
            lane, taken = step
            try:
                if taken is None:
                    lane.warm_next(self._clock)
                else:
                    self._run(lane, taken, free_since)
            except Exception as error:  # noqa: BLE001  # a fault of ours: its callers hear of it, the slot lives
                self._give_up(() if taken is None else taken.jobs, error)
            free_since = self._done(lane, was_work=taken is not None)

    def _done(self, lane: Lane, *, was_work: bool) -> float:
        now = self._clock()
        with self._wake:
            self._running.remove(lane.name)
            self._last_work = now if was_work else self._last_work
            self._wake.notify_all()
        return now

    def _next(self) -> tuple[Lane, Taken | None] | None:
        """Wait for something to do: jobs, else a lane with a shape to warm; None means the end."""
        with self._wake:
            while not self._closed:
                taken = self._take()
                self._expire(taken.expired)
                lane = self._coldest() if taken.lane is None else self._lanes[taken.lane]
                rest_s = None if lane is None or taken.lane else self._rest_s(lane)
                if lane is not None and not rest_s:
                    self._running.append(lane.name)
                    return lane, taken if taken.lane else None
                self._wake.wait(rest_s)
        return None

    def _take(self) -> Taken:
        try:
            return self._queue.take(self._clock(), self._choose)
        except Exception as error:  # noqa: BLE001  # nothing was taken; left there, it would fail for ever
            waiting = [job for job in list(self._places) if self._queue.discard(job)]
            self._give_up(waiting, error)
            return Taken(None, (), None, ())

    def _give_up(self, jobs: Sequence[Job], error: Exception) -> None:
        _log.error("a batch could not be run", exc_info=error)
        failed = EngineFailed(f"the batch could not be run: {error}")
        self._settle((job, failed) for job in jobs if job in self._places)

    def _rest_s(self, lane: Lane) -> float:
        """How long to wait, should nothing arrive, before a shape is warmed.

        Where texts keep coming, the next one is not made to wait for a large shape: a pause must
        have lasted a few times as long as the shape will take.
        """
        if not lane.is_ready:
            return 0.0
        quiet_s = self._clock() - self._last_work
        return max(0.0, _RESERVE * lane.next_cold_s - quiet_s)

    def _choose(self, lane: str, jobs: Sequence[Job]) -> Plan:
        return self._lanes[lane].choose(jobs, explore=self._clock() >= self._explore_at)

    def _coldest(self) -> Lane | None:
        """Find a lane that is not ready, else one that is not warm."""
        cold = [lane for lane in self._lanes.values() if not lane.is_warm]
        return min(cold, key=lambda lane: lane.is_ready, default=None)

    def _expire(self, jobs: Sequence[Job]) -> None:
        now = self._clock()
        self._settle((job, DeadlineExceeded(now - job.arrival)) for job in jobs)

    def _run(self, lane: Lane, taken: Taken, free_since: float) -> None:
        if taken.plan is not None:
            plan = taken.plan.renumbered()
            self._settle(self._outcomes(lane, taken.jobs, plan, free_since))

    def _outcomes(
        self, lane: Lane, jobs: Sequence[Job], plan: Plan, free_since: float
    ) -> Iterator[Outcome]:
        """Run one batch; if it fails, its halves, until the poisonous job stands alone."""
        grid = fill(plan, [job.encoding for job in jobs])
        try:
            values = self._timed(lane, jobs, grid, free_since)
        except EngineFailed as error:
            lane.failed(grid.shape)
            yield from self._halved(lane, jobs, error)
            return
        yield from zip(jobs, values, strict=True)

    def _halved(self, lane: Lane, jobs: Sequence[Job], error: EngineFailed) -> Iterator[Outcome]:
        if len(jobs) == 1:
            yield jobs[0], error
            return
        middle = len(jobs) // 2
        for half in (jobs[:middle], jobs[middle:]):
            left = list(half)
            while left:
                plan = lane.choose(left)
                chosen = [left[index] for index in plan.chosen]
                yield from self._outcomes(lane, chosen, plan.renumbered(), self._clock())
                left = [job for job in left if job not in chosen]

    def _timed(self, lane: Lane, jobs: Sequence[Job], grid: Grid, free_since: float) -> Outputs:
        """Run a grid, and tell the lane and the reader of reports what it took."""
        shape, predicted = grid.shape, lane.predicted_s(grid.shape)
        was_cold = lane.is_cold(shape)
        cpu = time.process_time() - self._bystanders_cpu()
        started = self._clock()
        values = lane.run(grid)
        seconds = self._clock() - started
        cpu = time.process_time() - self._bystanders_cpu() - cpu
        lane.observe(shape, seconds)
        if was_cold:
            self._explore_at = started + seconds * (1 + _RESERVE)
        arrivals = [job.arrival for job in jobs]
        report = BatchReport(
            lane=lane.name,
            shape=shape,
            n_jobs=len(jobs),
            n_tokens=grid.n_tokens,
            predicted_s=predicted,
            run_s=seconds,
            idle_s=max(0.0, started - max(free_since, min(arrivals))),
            cpu_s=max(0.0, cpu),
            waited_s=tuple(started - arrival for arrival in arrivals),
        )
        self._tell(report)
        return values

    def _tell(self, report: BatchReport) -> None:
        try:
            self._report(report)
        except Exception:  # noqa: BLE001  # a reader's fault must not cost the batch its answers
            _log.exception("a batch report could not be delivered")

    def _settle(self, outcomes: Iterable[Outcome]) -> None:
        done: list[Ticket] = []
        try:
            for job, outcome in outcomes:
                ticket, place = self._places.pop(job)
                if ticket.note(place, outcome):
                    done.append(ticket)
        finally:  # what is answered is answered, even if the rest fails
            deliver(done)
