"""Who may wait, and how long that would take; pure: time is an argument."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from goldcrest.batching.line import Line
from goldcrest.batching.margin import Margin
from goldcrest.batching.policy import Policy
from goldcrest.batching.rounds import Rounds
from goldcrest.errors import Overloaded
from goldcrest.names import Priority
from goldcrest.records import Sample

_GREED = 3
"""A caller may have so many times what is then still free: one takes three quarters of a limit,
the next three quarters of the rest, and something is always left for others (Choudhury and Hahne,
1998)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that wants to be admitted.

    Attributes:
        lane: the version that it is for.
        arrival: seconds on the clock, before it was tokenised.
        expires: seconds on the same clock, or None.
        n_tokens: what it brings; before it is tokenised, what it brings at least.
    """

    lane: str
    priority: Priority
    caller: str
    arrival: float
    expires: float | None
    n_tokens: int


class Admission:
    """Admits a request whole or refuses it whole, and counts refusals.

    Args:
        policy: the bounds.
        lines: what waits, by lane.
        rounds: how lanes take turns.
        totals: tokens that wait, by class.

    Attributes:
        margin: of every deadline, how much is kept free.
    """

    def __init__(
        self,
        policy: Policy,
        lines: Mapping[str, Line],
        rounds: Rounds,
        *,
        totals: Mapping[Priority, int],
    ) -> None:
        self._policy, self._lines, self._rounds, self._totals = policy, lines, rounds, totals
        self.margin = Margin()
        self._calm_tokens = 0.0
        self._refused: Counter[tuple[str, Priority]] = Counter()

    def samples(self) -> Iterator[Sample]:
        """What was refused, by reason and class."""
        for (reason, priority), n in self._refused.copy().items():
            yield "refusals", (reason, priority), n

    def backlog_s(self) -> float:
        """Seconds of work that wait, of all lanes, at their present pace."""
        seconds = 0.0
        for line in list(self._lines.values()):
            if line.n_tokens:
                seconds += line.n_tokens * line.pace()
        return seconds

    def refresh(self) -> None:
        """Reckon anew how much may wait without anybody being refused; now and then is enough."""
        slowest = max([line.pace() for line in self._lines.values()], default=0.0)
        within = self._policy.max_wait_s / (2 * slowest) if slowest else float("inf")
        self._calm_tokens = min(_GREED / (1 + _GREED) * self._policy.limit_tokens, within)

    def is_calm(self, n_tokens: int, deadline_s: float | None) -> bool:
        """Whether so little waits that a request need not be looked at; safe from any thread."""
        waiting = sum(self._totals.values())
        return not waiting or (deadline_s is None and waiting + n_tokens <= self._calm_tokens)

    def check(self, asked: Asked, *, now: float, running_s: float = 0.0) -> None:
        """Refuse what may not wait, because of what waits already.

        A class of which nothing waits may bring anything: to refuse that would be to refuse it for
        ever. What others make it wait counts all the same. A caller with a key who has work
        waiting leaves room for others.

        Args:
            asked: the request.
            now: seconds on the clock.
            running_s: seconds that the grids which run will still take.

        Raises:
            Overloaded: more tokens of its class than the limit would wait, or more of its caller
                than leave room for others; or the last of its jobs would be answered past its
                deadline, or wait for longer than the policy allows.
        """
        waiting = self._totals[asked.priority]
        excess = waiting + asked.n_tokens - self._policy.limit_tokens
        if waiting and excess > 0:
            raise self.refused(
                "tokens",
                asked.priority,
                f"{waiting} tokens are waiting; {asked.n_tokens} more would exceed the limit "
                f"of {self._policy.limit_tokens}",
                retry_after_s=excess * self._lines[asked.lane].pace(),
            )
        if asked.caller:
            self._check_share(asked, free=-excess)
        own_s = asked.n_tokens * self._lines[asked.lane].pace() if waiting else 0.0
        self._check_wait(asked, now=now, running_s=running_s, own_s=own_s)

    def refused(
        self, reason: str, priority: Priority, message: str, *, retry_after_s: float
    ) -> Overloaded:
        """Count a refusal; returns what is to be raised."""
        self._refused[reason, priority] += 1
        return Overloaded(message, retry_after_s=retry_after_s)

    def wait_s(self, asked: Asked) -> float:
        """Seconds of work that stand before a request's last job, its own not counted."""
        line = self._lines[asked.lane]
        pace = line.pace()
        head_start = self._policy.head_starts[asked.priority]
        rank = line.rank(
            asked.caller,
            asked.priority,
            fresh=asked.arrival - head_start,
            seconds_per_token=pace,
        )
        last = rank + asked.n_tokens * pace
        before_s = line.tokens_before(last, asked.arrival) * pace
        own_s = before_s + asked.n_tokens * pace
        due = self._rounds.due(asked.lane) + own_s / self._rounds.share(asked.lane) - head_start
        others = [lane for lane in self._lines if lane != asked.lane]
        return before_s + sum([self._turns_s(lane, due) for lane in others])

    def _check_share(self, asked: Asked, *, free: int) -> None:
        own = sum([line.tokens_of(asked.caller, asked.priority) for line in self._lines.values()])
        excess = own + asked.n_tokens - _GREED * free
        if own and excess > 0:
            raise self.refused(
                "share",
                asked.priority,
                f"{own} tokens of this key are waiting; {asked.n_tokens} more would leave too "
                f"little of the limit of {self._policy.limit_tokens} to others",
                retry_after_s=excess / (1 + _GREED) * self._lines[asked.lane].pace(),
            )

    def _check_wait(self, asked: Asked, *, now: float, running_s: float, own_s: float) -> None:
        waited_s = now - asked.arrival
        deadline_s = None if asked.expires is None else asked.expires - asked.arrival
        longest_s, kept_s = self._policy.max_wait_s, 0.0
        if deadline_s is not None:
            kept_s = self.margin.share(now, deadline_s) * deadline_s
            longest_s = min(deadline_s - kept_s - waited_s, longest_s)
        most_s = self.backlog_s()
        if not most_s or running_s + most_s + own_s <= longest_s:  # if all stood before it
            return
        wait_s = running_s + self.wait_s(asked) + own_s
        excess_s = 0.0 if deadline_s is None else waited_s + wait_s + kept_s - deadline_s
        if deadline_s is not None and excess_s > 0:
            self.margin.refused(now, deadline_s)
            raise self.refused(
                "deadline",
                asked.priority,
                f"the answer would take about {waited_s + wait_s:.3f} s, longer than the "
                f"{deadline_s - kept_s:.3f} s of the deadline that may be counted on",
                retry_after_s=excess_s,
            )
        if wait_s > self._policy.max_wait_s:
            raise self.refused(
                "wait",
                asked.priority,
                f"the answer would take about {wait_s:.3f} s, longer than the {longest_s:.3f} s "
                "that work may wait here",
                retry_after_s=wait_s - self._policy.max_wait_s,
            )

    def _turns_s(self, lane: str, due: float) -> float:
        """Seconds of what waits in another lane that run before a lane has used up to ``due``.

        Its classes go one after the other, the most urgent first, and each makes it more due.
        """
        line, share = self._lines[lane], self._rounds.share(lane)
        own_due, seconds = self._rounds.due(lane), 0.0
        for priority, n_tokens in line.tokens.items():
            if n_tokens:
                room_s = share * max(0.0, due + self._policy.head_starts[priority] - own_due)
                turn_s = min(room_s, n_tokens * line.pace())
                own_due += turn_s / share
                seconds += turn_s
        return seconds
