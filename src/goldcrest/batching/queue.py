"""The jobs that wait for an engine; pure: time is an argument."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from goldcrest.errors import Overloaded
from goldcrest.values import Job, Plan

WINDOW = 512
"""Jobs of a lane that one plan may choose from."""

Choose = Callable[[str, Sequence[Job]], Plan]
"""A lane and its most urgent jobs, in order of rank -> which of them run next."""

_Place = tuple[float, float, int, Job]
"""Rank, arrival, number of the push: unique, so that two jobs themselves are never compared."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What left the queue in one take.

    Attributes:
        lane: whose turn it was; None where nothing waited.
        jobs: the jobs to run, in the order of ``plan.chosen``.
        plan: their places in the grid. Its indices refer to the jobs that were offered;
            ``plan.renumbered()`` refers to ``jobs``.
        expired: jobs whose deadline has passed; they must not run.
    """

    lane: str | None
    jobs: tuple[Job, ...]
    plan: Plan | None
    expired: tuple[Job, ...]


class JobQueue:
    """Waiting jobs in order of rank, one lane per version.

    Args:
        limit_tokens: tokens that may wait, over all lanes.
    """

    def __init__(self, limit_tokens: int) -> None:
        self.limit_tokens = limit_tokens
        self.n_tokens = 0
        self._lanes: dict[str, list[_Place]] = {}
        self._places: dict[Job, _Place] = {}
        self._deadlines: list[tuple[float, int, Job]] = []  # a heap; jobs that have left stay in it
        self._expired: list[Job] = []
        self._n_pushed = 0

    def __len__(self) -> int:
        return len(self._places)

    @property
    def n_jobs(self) -> int:
        return len(self._places)

    @property
    def oldest_arrival(self) -> float | None:
        """When the job that has waited longest arrived; None where nothing waits."""
        return min((job.arrival for job in self._places), default=None)

    def waiting(self, lane: str) -> int:
        """Count the jobs of one lane."""
        return len(self._lanes.get(lane, ()))

    def push_all(self, jobs: Sequence[Job], *, seconds_per_token: float) -> None:
        """Admit all jobs of a request, or refuse it whole.

        An empty queue admits anything: to refuse it would be to refuse it for ever.

        Args:
            jobs: of one request, and so of one deadline; none of them waits already.
            seconds_per_token: the pace at which waiting tokens are run at present.

        Raises:
            Overloaded: if more tokens than the limit would wait, or if the last of the jobs is
                predicted to be answered past its deadline.
        """
        n_tokens = sum(job.n_tokens for job in jobs)
        if self._places and jobs:
            self._refuse_beyond_limit(n_tokens, seconds_per_token)
            last = max(jobs, key=lambda job: job.rank)
            self._refuse_too_late(last, n_tokens, seconds_per_token)
        for job in jobs:
            self._push(job)

    def discard(self, job: Job) -> bool:
        """Remove a job that nobody waits for any more.

        Returns:
            Whether it was waiting.
        """
        place = self._places.pop(job, None)
        if place is None:
            return False
        self.n_tokens -= job.n_tokens
        places = self._lanes[job.lane]
        del places[bisect_left(places, place)]
        if not places:
            del self._lanes[job.lane]
        return True

    def take(self, now: float, choose: Choose) -> Taken:
        """Remove the jobs that run next, and those that have expired.

        It is the turn of the lane of the most urgent job. If ``choose`` raises, no job is lost:
        those offered still wait, and the expired ones come with the next take.

        Args:
            now: seconds on the clock of the jobs' ``expires``.
            choose: gets that lane and up to ``WINDOW`` of its jobs in order of rank.
        """
        self._expire(now)
        lane = min(self._lanes, key=lambda lane: self._lanes[lane][0], default=None)
        jobs: tuple[Job, ...] = ()
        plan = None
        if lane is not None:
            offered = [place[-1] for place in self._lanes[lane][:WINDOW]]
            plan = choose(lane, offered)
            jobs = tuple([offered[index] for index in plan.chosen])
            self._remove(lane, jobs)
        expired, self._expired = tuple(self._expired), []
        return Taken(lane, jobs, plan, expired)

    def _refuse_beyond_limit(self, n_tokens: int, seconds_per_token: float) -> None:
        excess = self.n_tokens + n_tokens - self.limit_tokens
        if excess > 0:
            raise Overloaded(
                f"{self.n_tokens} tokens are waiting; {n_tokens} more would exceed the limit "
                f"of {self.limit_tokens}",
                retry_after_s=excess * seconds_per_token,
            )

    def _refuse_too_late(self, job: Job, n_tokens: int, seconds_per_token: float) -> None:
        if job.expires is None:
            return
        wait_s = (self._tokens_before(job) + n_tokens) * seconds_per_token
        allowed_s = job.expires - job.arrival
        if wait_s > allowed_s:
            raise Overloaded(
                f"the answer would take about {wait_s:.3f} s, longer than the deadline "
                f"of {allowed_s:.3f} s",
                retry_after_s=wait_s - allowed_s,
            )

    def _tokens_before(self, job: Job) -> int:
        """Tokens of the jobs, of any lane, that are as urgent as this one or more so."""
        own = (job.rank, job.arrival, self._n_pushed, job)
        return sum(
            place[-1].n_tokens
            for places in self._lanes.values()
            for place in places[: bisect_left(places, own)]
        )

    def _push(self, job: Job) -> None:
        place = (job.rank, job.arrival, self._n_pushed, job)
        self._places[job] = place
        insort(self._lanes.setdefault(job.lane, []), place)
        if job.expires is not None:
            heappush(self._deadlines, (job.expires, self._n_pushed, job))
        self._n_pushed += 1
        self.n_tokens += job.n_tokens
        if len(self._deadlines) > 2 * len(self._places) + WINDOW:  # mostly jobs that have left
            self._deadlines = [entry for entry in self._deadlines if entry[-1] in self._places]
            heapify(self._deadlines)

    def _remove(self, lane: str, jobs: Sequence[Job]) -> None:
        """Remove jobs that stand among the first ``WINDOW`` of a lane."""
        for job in jobs:
            del self._places[job]
            self.n_tokens -= job.n_tokens
        places = self._lanes[lane]
        places[:WINDOW] = [place for place in places[:WINDOW] if place[-1] in self._places]
        if not places:
            del self._lanes[lane]

    def _expire(self, now: float) -> None:
        while self._deadlines and self._deadlines[0][0] < now:
            job = heappop(self._deadlines)[-1]
            if self.discard(job):
                self._expired.append(job)
