"""The jobs of one lane that wait, in order of rank; pure."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence

from goldcrest.names import PRIORITIES, Priority
from goldcrest.values import Job

Place = tuple[float, float, int, int, Job]
"""Rank, arrival, number of the push, tokens, job; no two are equal in the first three, so that two
jobs themselves are never compared."""


Pace = Callable[[], float]
"""Seconds that a lane's engine takes for a token at present."""


class _Account:
    """What one caller has waiting of one class."""

    __slots__ = ("n_jobs", "n_tokens", "rank")

    def __init__(self) -> None:
        self.n_jobs = self.n_tokens = 0
        self.rank = float("-inf")


class Line:
    """A list of places that stays sorted, and what it comes to by class and by caller.

    Args:
        totals: tokens by class, of all lines that share it.
        pace: seconds per token at present.

    Attributes:
        n_tokens: of all jobs.
        tokens: by class.
        jobs: by class, how many.
    """

    def __init__(self, totals: dict[Priority, int], pace: Pace) -> None:
        self._totals, self.pace = totals, pace
        self.n_tokens = 0
        self.tokens: dict[Priority, int] = dict.fromkeys(PRIORITIES, 0)
        self.jobs: dict[Priority, int] = dict.fromkeys(PRIORITIES, 0)
        self._places: list[Place] = []
        self._accounts: dict[tuple[str, Priority], _Account] = {}

    def __len__(self) -> int:
        return len(self._places)

    @property
    def first(self) -> Job:
        """The most urgent job; the line must not be empty."""
        return self._places[0][-1]

    def rank(
        self, caller: str, priority: Priority, *, fresh: float, seconds_per_token: float
    ) -> float:
        """Where a caller's next job of a class belongs.

        It comes as much later as the work takes that its caller has waiting already, so that a
        flood of one queues behind what is fresh of others; and never before an earlier one.

        Args:
            caller: who is charged for it.
            priority: its class.
            fresh: its rank if the caller had nothing waiting.
            seconds_per_token: at which the work is done.
        """
        account = self._accounts.get((caller, priority))
        if account is None:
            return fresh
        return max(fresh + account.n_tokens * seconds_per_token, account.rank)

    def tokens_of(self, caller: str, priority: Priority) -> int:
        """Tokens that a caller has waiting of one class."""
        account = self._accounts.get((caller, priority))
        return 0 if account is None else account.n_tokens

    def add(self, job: Job, number: int) -> Place:
        """Let a job wait; returns its place."""
        n_tokens = job.encoding.n_tokens
        place = (job.rank, job.arrival, number, n_tokens, job)
        insort(self._places, place)
        self.n_tokens += n_tokens
        priority = job.priority
        self._totals[priority] += n_tokens
        self.tokens[priority] += n_tokens
        self.jobs[priority] += 1
        key = (job.caller, priority)
        account = self._accounts.get(key)
        if account is None:
            account = self._accounts[key] = _Account()
        account.n_jobs += 1
        account.n_tokens += n_tokens
        account.rank = max(account.rank, job.rank)
        return place

    def remove(self, place: Place) -> None:
        """Let a job that waits go."""
        del self._places[bisect_left(self._places, place)]
        self._forget(place)

    def remove_among(self, window: int, places: set[int]) -> None:
        """Let several of the first ``window`` jobs go, by where they stand among them."""
        first = self._places[:window]
        self._places[:window] = [p for index, p in enumerate(first) if index not in places]
        for index in places:
            self._forget(first[index])

    def head(self, n: int) -> list[Job]:
        """The most urgent jobs, in order of rank."""
        return [place[-1] for place in self._places[:n]]

    def lengths(self, n: int) -> list[int]:
        """Tokens of the same jobs; to ask each for them would take longer than to choose."""
        return [place[3] for place in self._places[:n]]

    def n_urgent(self, n: int) -> int:
        """How many of the same jobs, from the first on, are of the first one's class."""
        urgent = self.first.priority
        if self.jobs[urgent] == len(self._places):
            return min(n, len(self._places))
        places = enumerate(self._places[:n])
        return next((m for m, place in places if place[-1].priority != urgent), n)

    def tokens_before(self, rank: float, arrival: float) -> int:
        """Tokens of the jobs that are as urgent as one of that rank would be, or more so."""
        own = (rank, arrival, float("inf"))
        place = bisect_left(self._places, own)
        if 2 * place < len(self._places):
            return _tokens(self._places[:place])
        return self.n_tokens - _tokens(self._places[place:])

    def _forget(self, place: Place) -> None:
        n_tokens, job = place[3], place[4]
        priority = job.priority
        self.n_tokens -= n_tokens
        self._totals[priority] -= n_tokens
        self.tokens[priority] -= n_tokens
        self.jobs[priority] -= 1
        key = (job.caller, priority)
        account = self._accounts[key]
        account.n_jobs -= 1
        account.n_tokens -= n_tokens
        if not account.n_jobs:
            del self._accounts[key]


def _tokens(places: Sequence[Place]) -> int:
    return sum([place[3] for place in places])
