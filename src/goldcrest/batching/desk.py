"""What callers and engine slots share: the queue, the lanes, and the way answers go back."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from goldcrest.batching.lane import Lane
from goldcrest.batching.policy import Policy
from goldcrest.batching.queue import JobQueue
from goldcrest.batching.ticket import Ticket, deliver
from goldcrest.errors import Draining, EngineFailed, EngineHung, Unloaded
from goldcrest.records import BatchReport
from goldcrest.values import Floats, Job

if TYPE_CHECKING:
    from goldcrest.batching.slot import Slot

_log = logging.getLogger(__name__)

_N_RECENT = 256

Clock = Callable[[], float]
Outcome = tuple[Job, Floats | BaseException]
Report = Callable[[BatchReport], None]


def _silent(_: BatchReport) -> None:
    pass


@dataclass(eq=False)
class Desk:
    """State under one lock; slots wait for work by way of ``wake``.

    ``calm`` is set unless a grid of urgent work runs while other work waits.

    Attributes:
        clock: seconds; only differences matter, and it never runs backwards.
        bystanders_cpu: processor seconds of the threads that are neither slots nor engines.
        report: is told of every grid that ran, on the slot's thread.
        lanes: those whose jobs run, by name.
        hung: names of lanes whose engine did not come back; they are closed, but not shut yet.
        places: for every job that is not answered, its ticket and its place there.
        slots: those that turn.
        stuck: those that were given up.
        explored_at: when a cold shape last ended its run.
        explored_s: what that run took.
        last_work: when a grid last ended.
        recent: the last grids.
        n_answered: jobs of the largest request that was answered since a grid began that was not of
            urgent work: what follows that answer, the reading of its caller's next request, is done
            beside the next such grid.
    """

    policy: Policy
    clock: Clock = time.perf_counter
    bystanders_cpu: Clock = lambda: 0.0
    report: Report = _silent
    lanes: dict[str, Lane] = field(default_factory=dict)
    hung: set[str] = field(default_factory=set)
    places: dict[Job, tuple[Ticket, int]] = field(default_factory=dict)
    slots: list[Slot] = field(default_factory=list)
    stuck: list[Slot] = field(default_factory=list)
    is_closed: bool = False
    explored_at: float = float("-inf")
    explored_s: float = 0.0
    last_work: float = float("-inf")
    n_answered: int = 0
    recent: deque[BatchReport] = field(default_factory=lambda: deque(maxlen=_N_RECENT))
    _noting: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self.wake = threading.Condition(self.lock)
        self.calm = threading.Event()
        self.calm.set()
        self.queue = JobQueue(self.policy)

    def check_open(self, lane: str) -> None:
        """Make sure that a lane takes jobs.

        Raises:
            Draining: nothing takes any more.
            EngineHung: its engine is being replaced.
            Unloaded: it was shut, or never open.
        """
        if self.is_closed:
            raise Draining("it was closed, and takes no new requests")
        if lane in self.lanes:
            return
        if lane in self.hung:
            raise EngineHung(f"the engine of {lane!r} did not come back and is being replaced")
        raise Unloaded(f"the model {lane!r} was taken out of service; load it again")

    def running_s(self, now: float) -> float:
        """Seconds that the grids which run will still take."""
        seconds = 0.0
        for slot in self.slots:
            seconds += slot.left_s(now)
        return seconds

    def is_running(self, lane: str) -> bool:
        return any(slot.runs(lane) for slot in self.slots)

    @contextmanager
    def running(self, *, is_urgent: bool) -> Iterator[None]:
        """While a grid runs: hold off what would run beside urgent work; let it run beside any other."""
        if is_urgent:
            self.calm.clear()
        else:
            self.n_answered = 0
        try:
            yield
        finally:
            self.calm.set()

    def settle(self, outcomes: Iterable[Outcome]) -> None:
        """Note what became of jobs, and hand over the tickets that this completes.

        A job is settled once; what comes later is for nobody.
        """
        done: list[Ticket] = []
        try:
            with self._noting:
                for job, outcome in outcomes:
                    ticket, place = self.places.pop(job, (None, 0))
                    if ticket is not None and ticket.note(place, outcome):
                        done.append(ticket)
        finally:  # what is answered is answered, even if the rest fails
            self.n_answered = max([self.n_answered, *(ticket.n_jobs for ticket in done)])
            deliver(done)

    def fail(self, jobs: Iterable[Job], error: Exception) -> None:
        """Answer for jobs that a fault of ours kept from running."""
        _log.error("a batch could not be run", exc_info=error)
        failed = EngineFailed(f"the batch could not be run: {error}")
        self.settle((job, failed) for job in jobs)

    def tell(self, report: BatchReport) -> None:
        """Keep a report, and pass it on."""
        self.recent.append(report)
        try:
            self.report(report)
        except Exception:  # noqa: BLE001  # a reader's fault must not cost the batch its answers
            _log.exception("a batch report could not be delivered")
