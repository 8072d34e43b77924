"""The jobs that wait for an engine; pure: time is an argument."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from goldcrest.batching.admission import Admission, Asked
from goldcrest.batching.choice import Choice, Choose, Offer, Taken
from goldcrest.batching.line import Line, Pace, Place
from goldcrest.batching.policy import ABOUT_S, Policy
from goldcrest.batching.rounds import Rounds
from goldcrest.names import PRIORITIES, Priority
from goldcrest.values import Encoding, Job, Urgency

WINDOW = 512
"""Jobs of a lane that one plan may choose from."""


class JobQueue:
    """Waiting jobs in order of rank, one line per lane; lanes take turns.

    Args:
        policy: how work of each class waits.

    Attributes:
        rounds: whose turn it is.
        admission: who may wait.
    """

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self.rounds = Rounds()
        self._lines: dict[str, Line] = {}
        self._totals: dict[Priority, int] = dict.fromkeys(PRIORITIES, 0)
        self.admission = Admission(self.policy, self._lines, self.rounds, totals=self._totals)
        self._places: dict[Job, Place] = {}
        self._deadlines: list[tuple[float, int, Job]] = []  # a heap; jobs that have left stay in it
        self._expired: list[Job] = []
        self._n_pushed = 0
        self._hasty_at = float("-inf")  # when interactive work last arrived

    def __len__(self) -> int:
        return len(self._places)

    @property
    def n_jobs(self) -> int:
        return len(self._places)

    @property
    def n_tokens(self) -> int:
        return sum(self._totals.values())

    @property
    def oldest_arrival(self) -> float | None:
        """When the job that has waited longest arrived; None where nothing waits."""
        return min((job.arrival for job in self._places), default=None)

    def tokens(self, priority: Priority) -> int:
        """Count the tokens of one class."""
        return self._totals[priority]

    def line(self, lane: str) -> Line:
        """What waits in one lane."""
        return self._lines[lane]

    def is_interactive_about(self, now: float) -> bool:
        """Whether an interactive job waits, or arrived a moment ago."""
        return now - self._hasty_at < ABOUT_S or self._totals["interactive"] > 0

    def open(self, lane: str, *, share: float = 1.0, pace: Pace = lambda: 0.0) -> None:
        """Let a lane's jobs wait from now on.

        Args:
            lane: its name.
            share: of the engine, against other lanes that are busy.
            pace: seconds per token at present.
        """
        self.rounds.open(lane, share)
        self._lines[lane] = Line(self._totals, pace)

    def shut(self, lane: str) -> list[Job]:
        """Forget a lane; returns its jobs that waited."""
        line = self._lines.get(lane)
        left = [] if line is None else line.head(len(line))
        for job in left:
            self.discard(job)
        self._lines.pop(lane, None)
        self.rounds.shut(lane)
        return left

    def admit(
        self,
        lane: str,
        encodings: Sequence[Encoding],
        urgency: Urgency,
        *,
        now: float,
        arrival: float | None = None,
        running_s: float = 0.0,
    ) -> list[Job]:
        """Let all encodings of a request wait, or refuse it whole.

        Args:
            lane: one that is open.
            encodings: of one request.
            urgency: of the same.
            now: seconds on the clock.
            arrival: when the request arrived, before it was tokenised; None: now.
            running_s: seconds that the grids which run will still take.

        Returns:
            The jobs, in the order of the encodings.

        Raises:
            Overloaded: as `Admission.check` says; nothing of it waits then.
        """
        arrival = now if arrival is None else arrival
        priority = urgency.priority or self.policy.unnamed
        expires = None if urgency.deadline_s is None else arrival + urgency.deadline_s
        line = self._lines[lane]
        n_tokens = sum([len(encoding.ids) for encoding in encodings])
        if not self.admission.is_calm(n_tokens, urgency.deadline_s):
            asked = Asked(lane, priority, urgency.caller, arrival, expires, n_tokens)
            self.admission.check(asked, now=now, running_s=running_s)
        if not line:
            self.rounds.wake(lane)
        if priority == "interactive":
            self._hasty_at = max(self._hasty_at, now)
        fresh = arrival - self.policy.head_starts[priority]
        pace, caller = line.pace(), urgency.caller
        jobs = []
        for encoding in encodings:
            rank = line.rank(caller, priority, fresh=fresh, seconds_per_token=pace)
            job = Job(encoding, lane, arrival, rank, expires, priority, caller)
            self._push(job, line)
            jobs.append(job)
        return jobs

    def discard(self, job: Job) -> bool:
        """Remove a job that nobody waits for any more.

        Returns:
            Whether it was waiting.
        """
        place = self._places.pop(job, None)
        if place is None:
            return False
        self._lines[job.lane].remove(place)
        return True

    def take(self, now: float, choose: Choose) -> Taken:
        """Remove the jobs that run next, and those that have expired.

        It is the turn of the lane that has used least of the engine for its share, less the head
        start of its most urgent job; the grid's predicted seconds are noted as used, and `charge`
        corrects them. If ``choose`` raises, no job is lost: those offered still wait, and the
        expired ones come with the next take.

        Args:
            now: seconds on the clock of the jobs' ``expires``.
            choose: is offered that lane and up to ``WINDOW`` of its jobs.
        """
        self._expire(now)
        lane = self._turn()
        jobs: tuple[Job, ...] = ()
        choice: Choice | None = None
        if lane is not None:
            line = self._lines[lane]
            lengths, n_urgent = line.lengths(WINDOW), line.n_urgent(WINDOW)
            offer = Offer(lane, line.head(WINDOW), lengths, n_urgent, self._longest_s(now))
            choice = choose(offer)
            chosen = choice.plan.chosen
            jobs = tuple([offer.jobs[index] for index in chosen])
            line.remove_among(WINDOW, set(chosen))
            for job in jobs:
                del self._places[job]
            self.rounds.charge(lane, choice.predicted_s)
            self.admission.refresh()
        expired, self._expired = tuple(self._expired), []
        return Taken(lane, jobs, choice, expired, len(self._lines[lane]) if lane else 0)

    def charge(self, lane: str, seconds: float) -> None:
        """Note engine seconds beyond, or short of, those that a take noted."""
        self.rounds.charge(lane, seconds)

    def _turn(self) -> str | None:
        head_starts = self.policy.head_starts
        wanting = {
            lane: head_starts[line.first.priority] for lane, line in self._lines.items() if line
        }
        return self.rounds.turn(wanting) if wanting else None

    def _longest_s(self, now: float) -> float | None:
        return self.policy.longest_s(
            is_interactive_about=self.is_interactive_about(now),
            backlog_s=self.admission.backlog_s() if self.policy.target_p99_s else 0.0,
            interactive_backlog_s=sum(
                [line.tokens["interactive"] * line.pace() for line in self._lines.values()]
            ),
        )

    def _push(self, job: Job, line: Line) -> None:
        self._n_pushed += 1
        self._places[job] = line.add(job, self._n_pushed)
        if job.expires is not None:
            heappush(self._deadlines, (job.expires, self._n_pushed, job))
            if len(self._deadlines) > 2 * len(self._places) + WINDOW:  # mostly jobs that have left
                self._deadlines = [entry for entry in self._deadlines if entry[-1] in self._places]
                heapify(self._deadlines)

    def _expire(self, now: float) -> None:
        while self._deadlines and self._deadlines[0][0] < now:
            job = heappop(self._deadlines)[-1]
            if self.discard(job):
                self._expired.append(job)
