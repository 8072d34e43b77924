"""What has arrived and is not answered yet, in bytes, and what of it is still to be tokenised."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType

from goldcrest.batching.admission import Admission
from goldcrest.batching.policy import Policy
from goldcrest.names import PRIORITIES, Priority
from goldcrest.records import Sample

LONG = 4096
"""Characters from which a request is tokenised off the event loop: more than a millisecond."""

TOKENIZE_S = 2.0
"""Work that may wait for the thread that tokenises, in seconds: long before, all is refused."""

_PATIENCE = 20
"""For a second of that thread, a request lets pass what arrived within so many seconds after it."""

_SECONDS_PER_CHARACTER = 4e-7
"""Of the tokenizer, until it is measured."""
_WEIGHT = 0.1


@dataclass(slots=True, eq=False)
class Claim:
    """A request's place in the house, from its arrival until it is answered; always released.

    Attributes:
        arrival: seconds on the batcher's clock.
        rank: of its work on the thread that tokenises.
        n_characters: of its texts.
        n_unread: those that are still to be tokenised on that thread.
    """

    lane: str
    priority: Priority
    arrival: float
    rank: float
    n_characters: int
    books: Claims
    n_unread: int = 0

    def read(self, n_characters: int, seconds: float) -> None:
        """Note that a part of it was tokenised, and what that took on the thread for it."""
        self.books.read(self, n_characters, seconds)

    def __enter__(self) -> Claim:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.books.leave(self)


class Claims:
    """Counts what is claimed, by class; safe from any thread.

    A character counts as a byte: what the texts come to in UTF-8 is known only to who encodes them.
    """

    def __init__(self, policy: Policy, admission: Admission) -> None:
        self._policy, self._admission = policy, admission
        self._n_bytes: dict[Priority, int] = dict.fromkeys(PRIORITIES, 0)
        self._n_unread: dict[Priority, int] = dict.fromkeys(PRIORITIES, 0)
        self._seconds_per_character = _SECONDS_PER_CHARACTER
        self._lock = threading.Lock()

    @property
    def n_bytes(self) -> dict[Priority, int]:
        """What is claimed, by class."""
        return self._n_bytes.copy()

    def samples(self) -> Iterator[Sample]:
        """What is told to the metrics."""
        for priority, n_bytes in self.n_bytes.items():
            yield "waiting_bytes", (priority,), n_bytes

    def enter(self, claim: Claim, deadline_s: float | None) -> None:
        """Put a claim on the books.

        Raises:
            Overloaded: more of its class waits than may, or than can be tokenised in time; what
                finds nothing waiting is admitted.
        """
        priority, n_characters = claim.priority, claim.n_characters
        with self._lock:
            waiting = self._n_bytes[priority]
            excess = waiting + n_characters - self._policy.limit_bytes
            if waiting and excess > 0:
                raise self._admission.refused(
                    "bytes",
                    priority,
                    f"{waiting} bytes of text are waiting; {n_characters} more would exceed the "
                    f"limit of {self._policy.limit_bytes}",
                    retry_after_s=excess * self._seconds_per_character,
                )
            if n_characters >= LONG:
                self._check_reading(priority, n_characters, deadline_s)
                claim.n_unread = n_characters
                self._n_unread[priority] += n_characters
            self._n_bytes[priority] += n_characters

    def leave(self, claim: Claim) -> None:
        """Take a claim off the books; done twice, nothing happens the second time."""
        with self._lock:
            self._n_bytes[claim.priority] -= claim.n_characters
            self._n_unread[claim.priority] -= claim.n_unread
            claim.n_characters = claim.n_unread = 0

    def read(self, claim: Claim, n_characters: int, seconds: float) -> None:
        """Note that a part of a claim was tokenised, and what that took on the thread for it.

        What is left of it comes later than it would have: the thread does not spend long on one
        request while others have had nothing of it.
        """
        with self._lock:
            n_characters = min(n_characters, claim.n_unread)
            claim.n_unread -= n_characters
            claim.rank += _PATIENCE * seconds
            self._n_unread[claim.priority] -= n_characters
            if n_characters:
                pace = seconds / n_characters
                self._seconds_per_character += _WEIGHT * (pace - self._seconds_per_character)

    def _check_reading(
        self, priority: Priority, n_characters: int, deadline_s: float | None
    ) -> None:
        """The thread takes the more urgent first, so only those classes stand before this one."""
        starts = self._policy.head_starts
        before = sum(
            [n for other, n in self._n_unread.items() if starts[other] >= starts[priority]]
        )
        wait_s = before * self._seconds_per_character
        own_s = n_characters * self._seconds_per_character
        longest_s = TOKENIZE_S if deadline_s is None else min(deadline_s, TOKENIZE_S)
        if before and wait_s + own_s > longest_s:
            reason = "tokenizer" if longest_s == TOKENIZE_S else "deadline"
            raise self._admission.refused(
                reason,
                priority,
                f"{before} characters are waiting to be tokenised; {n_characters} more would be "
                f"done in about {wait_s + own_s:.3f} s, later than the {longest_s:.3f} s allowed",
                retry_after_s=wait_s + own_s - longest_s,
            )
