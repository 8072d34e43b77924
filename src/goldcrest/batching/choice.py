"""What a lane is offered, what it chooses, and what then leaves the queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from goldcrest.names import Reason
from goldcrest.values import Job, Plan


@dataclass(frozen=True, slots=True)
class Offer:
    """What the lane whose turn it is may choose from.

    Attributes:
        jobs: its most urgent ones, in order of rank; not empty.
        lengths: tokens of each.
        n_urgent: how many of them, from the first on, are of the most urgent class.
        longest_s: seconds that the grid should not exceed; None: what the lane says of itself.
    """

    lane: str
    jobs: Sequence[Job]
    lengths: Sequence[int]
    n_urgent: int
    longest_s: float | None = None

    @classmethod
    def of(cls, lane: str, jobs: Sequence[Job], *, longest_s: float | None = None) -> Offer:
        """An offer of jobs that stand in no line."""
        urgent = jobs[0].priority
        n_urgent = next((n for n, job in enumerate(jobs) if job.priority != urgent), len(jobs))
        return cls(lane, jobs, [job.n_tokens for job in jobs], n_urgent, longest_s)


@dataclass(frozen=True, slots=True)
class Choice:
    """A grid, and why no other.

    Attributes:
        plan: its indices refer to the jobs that were offered.
        objective_s: the longest that it was allowed to take.
        predicted_s: what it is expected to take.
    """

    plan: Plan
    reason: Reason
    objective_s: float
    predicted_s: float


@dataclass(frozen=True, slots=True)
class Taken:
    """What left the queue in one take.

    Attributes:
        lane: whose turn it was; None where nothing waited.
        jobs: the jobs to run, in the order of the plan's ``chosen``.
        choice: the grid; None where nothing waited.
        expired: jobs whose deadline has passed; they must not run.
        n_left: jobs of the lane that go on waiting.
    """

    lane: str | None
    jobs: tuple[Job, ...]
    choice: Choice | None
    expired: tuple[Job, ...]
    n_left: int = 0


Choose = Callable[[Offer], Choice]
