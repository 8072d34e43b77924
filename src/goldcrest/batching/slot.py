"""A slot: a thread that runs one grid at a time.

Whenever it is free it takes the next batch from the queue itself: no timer forms a batch, and no
event loop stands between two grids.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from goldcrest.batching.choice import Choice, Offer, Taken
from goldcrest.batching.desk import Desk
from goldcrest.batching.lane import Lane
from goldcrest.errors import DeadlineExceeded, EngineFailed
from goldcrest.names import PRIORITIES
from goldcrest.packing.grid import Buffers, fill
from goldcrest.prompt import run_promptly
from goldcrest.records import BatchReport, SlotState
from goldcrest.values import Grid, Job, Outputs

BEAT_S = 1.0
"""How often a slot that has nothing to do shows that it is alive."""

STILL_S = 10.0
"""Silence of a free slot that means that it is not."""

_RESERVE = 4
"""How many times the duration of a run on a cold shape must pass, under load or in a pause."""
_HURRIED_RESERVE = 200
"""The same while grids must be short: fewer than one job in a hundred then waits for kernels."""

_LARGE = 16
"""Texts of a request that takes milliseconds of a processor before it runs, and after."""


class _GivenUp(BaseException):
    """The engine came back after the slot had been given up: nobody waits for that any more."""


@dataclass(frozen=True, slots=True)
class Doing:
    """What a slot is at.

    Attributes:
        shape: of the grid that runs; empty while a shape is warmed.
        since: seconds on the clock.
        predicted_s: how long it should take; 0 where nothing is known.
    """

    lane: Lane
    shape: str
    since: float
    predicted_s: float


class Slot:
    """Takes, runs and settles batches until the desk is closed, or it is given up.

    Args:
        number: for the name of its thread.
        desk: where the work is.

    Attributes:
        doing: what it is at; None while it is free.
        jobs: those of the batch that it took.
        is_given_up: it did not come back in time, and another took its place.
    """

    def __init__(self, number: int, desk: Desk) -> None:
        self.number = number
        self.doing: Doing | None = None
        self.jobs: tuple[Job, ...] = ()
        self.is_given_up = False
        self.buffers = Buffers()
        self._desk = desk
        self._beat = desk.clock()
        self._free_since = self._beat
        self._used_s = 0.0
        self.thread = threading.Thread(target=self._work, name=f"slot-{number}", daemon=True)

    def runs(self, lane: str) -> bool:
        doing = self.doing
        return doing is not None and doing.lane.name == lane

    def left_s(self, now: float) -> float:
        """Seconds that the grid which runs should still take."""
        doing = self.doing
        return max(0.0, doing.since + doing.predicted_s - now) if doing is not None else 0.0

    def is_turning(self, now: float) -> bool:
        """Whether it is alive: free and showing it, or at work for no longer than allowed."""
        doing = self.doing
        since, longest = (
            (self._beat, STILL_S)
            if doing is None
            else (doing.since, max(self._desk.policy.hang_s, doing.predicted_s))
        )
        return self.thread.is_alive() and now - since <= longest

    def state(self, now: float) -> SlotState:
        doing = self.doing
        if doing is None:
            return SlotState(None, "", 0.0, 0.0, is_hung=False)
        return SlotState(
            doing.lane.name,
            doing.shape,
            max(0.0, now - doing.since),
            doing.predicted_s,
            is_hung=self.is_given_up,
        )

    def _work(self) -> None:
        run_promptly()  # an engine that is free waits for it
        self._free_since = self._desk.clock()
        while (step := self._next()) is not None:
            lane, taken = step
            try:
                if taken is None:
                    lane.warm_next(self._desk.clock)
                else:
                    self._run(lane, taken)
            except _GivenUp:
                return
            except Exception as error:  # noqa: BLE001  # a fault of ours: its callers hear of it, the slot lives
                self._desk.fail(self.jobs, error)
            if not self._done(lane, taken):
                return

    def _next(self) -> tuple[Lane, Taken | None] | None:
        """Wait for something to do: jobs, else a lane with a shape to warm; None means the end."""
        desk = self._desk
        with desk.lock:
            while not (desk.is_closed or self.is_given_up):
                self._beat = now = desk.clock()
                taken = self._take(now)
                if taken.lane is not None and taken.choice is not None:
                    lane = desk.lanes[taken.lane]
                    shape = str(taken.choice.plan.shape)
                    self.jobs = taken.jobs
                    self.doing = Doing(lane, shape, now, taken.choice.predicted_s)
                    return lane, taken
                cold = self._coldest()
                rest_s = BEAT_S if cold is None else self._rest_s(cold)
                if cold is not None and not rest_s:
                    self.doing = Doing(cold, "", now, cold.next_cold_s)
                    return cold, None
                desk.wake.wait(min(rest_s, BEAT_S))
        return None

    def _take(self, now: float) -> Taken:
        desk = self._desk
        asked: list[str] = []

        def choose(offer: Offer) -> Choice:
            asked.append(offer.lane)
            return self._choose(offer)

        try:
            taken = desk.queue.take(now, choose)
        except Exception as error:  # noqa: BLE001  # nothing was taken; left there, it would fail for ever
            lost = [job for job in list(desk.places) if job.lane in asked or not asked]
            desk.fail([job for job in lost if desk.queue.discard(job)], error)
            return self._take(now) if asked else Taken(None, (), None, ())
        if taken.expired:
            first = taken.expired[0]
            desk.queue.admission.margin.late(now, (first.expires or now) - first.arrival)
            desk.settle((job, DeadlineExceeded(now - job.arrival)) for job in taken.expired)
        return taken

    def _choose(self, offer: Offer) -> Choice:
        return self._desk.lanes[offer.lane].choose(
            offer,
            explore=self._may_explore(hurried=offer.longest_s is not None),
            is_crowded=self._desk.n_answered >= _LARGE,
        )

    def _may_explore(self, *, hurried: bool) -> bool:
        """Whether a cold shape may run: it compiles kernels, for which those who wait pay."""
        reserve = _HURRIED_RESERVE if hurried else _RESERVE
        return self._desk.clock() >= self._desk.explored_at + reserve * self._desk.explored_s

    def _coldest(self) -> Lane | None:
        """Find a lane that is not ready, else one that is not warm."""
        cold = [lane for lane in self._desk.lanes.values() if not lane.is_warm]
        return min(cold, key=lambda lane: lane.is_ready, default=None)

    def _rest_s(self, lane: Lane) -> float:
        """How long to wait, should nothing arrive, before a shape is warmed.

        Where texts keep coming, the next one is not made to wait for a large shape: a pause must
        have lasted a few times as long as the shape will take.
        """
        if not lane.is_ready:
            return 0.0
        quiet_s = self._desk.clock() - self._desk.last_work
        return max(0.0, _RESERVE * lane.next_cold_s - quiet_s)

    def _done(self, lane: Lane, taken: Taken | None) -> bool:
        """Be free again; returns whether to go on."""
        desk, now = self._desk, self._desk.clock()
        with desk.lock:
            if self.is_given_up:
                return False
            self._free_since = self._beat = now
            self.doing, self.jobs = None, ()
            if taken is not None and taken.choice is not None:
                desk.last_work = now
                desk.queue.charge(lane.name, self._used_s - taken.choice.predicted_s)
                self._used_s = 0.0
            desk.wake.notify_all()
        return True

    def _run(self, lane: Lane, taken: Taken) -> None:
        """Run one batch; if it fails, its halves, until the poisonous job stands alone."""
        choice = taken.choice
        waiting: list[Sequence[Job]] = []
        jobs = taken.jobs
        while choice is not None:
            grid = fill(choice.plan.renumbered(), [job.encoding for job in jobs], self.buffers)
            try:
                values = self._timed(lane, jobs, grid, choice, n_left=taken.n_left)
            except EngineFailed as error:
                lane.failed(grid.shape)
                if len(jobs) == 1:
                    self._desk.settle([(jobs[0], error)])
                else:
                    middle = len(jobs) // 2
                    waiting += [jobs[middle:], jobs[:middle]]
            else:
                self._desk.settle(zip(jobs, values, strict=True))
                self._judge(jobs)
            jobs, choice = self._isolated(lane, waiting)

    def _judge(self, jobs: Sequence[Job]) -> None:
        """Learn from whether answers came in time for their deadlines."""
        limits = [(job.expires, job.arrival) for job in jobs if job.expires is not None]
        if limits:
            desk, now = self._desk, self._desk.clock()
            expires, arrival = min(limits)
            with desk.lock:
                margin = desk.queue.admission.margin
                if expires < now:
                    margin.late(now, expires - arrival)
                margin.timely(now, sum([limit >= now for limit, _ in limits]))

    def _check_wanted(self) -> None:
        if self.is_given_up:
            raise _GivenUp

    def _isolated(
        self, lane: Lane, waiting: list[Sequence[Job]]
    ) -> tuple[tuple[Job, ...], Choice | None]:
        """Take what fits into one grid from the last of the lists; the rest stays there."""
        if not waiting:
            return (), None
        offered = waiting.pop()
        choice = lane.choose(Offer.of(lane.name, offered))
        chosen = set(choice.plan.chosen)
        if rest := [job for index, job in enumerate(offered) if index not in chosen]:
            waiting.append(rest)
        jobs = tuple(offered[index] for index in choice.plan.chosen)
        why = Choice(choice.plan, "isolating", choice.objective_s, choice.predicted_s)
        self._free_since = self._desk.clock()
        return jobs, why

    def _timed(
        self, lane: Lane, jobs: Sequence[Job], grid: Grid, choice: Choice, *, n_left: int
    ) -> Outputs:
        """Run a grid, and tell the lane and the reader of reports what it took."""
        desk, shape = self._desk, grid.shape
        was_cold = lane.is_cold(shape)
        cpu = time.process_time() - desk.bystanders_cpu()
        started = desk.clock()
        self.doing = Doing(lane, str(shape), started, choice.predicted_s)
        try:
            with desk.running(is_urgent=choice.reason == "urgent"):
                values = lane.run(grid)
        finally:
            seconds = desk.clock() - started
            self._used_s += seconds
            self._check_wanted()
        cpu = time.process_time() - desk.bystanders_cpu() - cpu
        arrivals = [job.arrival for job in jobs]
        idle_s = max(0.0, started - max(self._free_since, min(arrivals)))
        if n_left:
            lane.packed(shape, grid.n_tokens)
            urgent = min([job.priority for job in jobs], key=PRIORITIES.index)
            lane.gaps.ran(urgent, pause_s=idle_s, run_s=seconds)
        else:
            lane.gaps.emptied()
        lane.observe(shape, seconds)
        if was_cold:
            desk.explored_at, desk.explored_s = started + seconds, seconds
        desk.tell(
            BatchReport(
                lane=lane.name,
                model=lane.model,
                reason=choice.reason,
                shape=shape,
                n_jobs=len(jobs),
                n_tokens=grid.n_tokens,
                predicted_s=choice.predicted_s,
                run_s=seconds,
                idle_s=idle_s,
                cpu_s=max(0.0, cpu),
                waited_s=tuple([started - arrival for arrival in arrivals]),
                priorities=tuple([job.priority for job in jobs]),
                left_jobs=n_left,
                objective_s=choice.objective_s,
                at=started,
            )
        )
        return values
