"""What models said of some texts, kept, so that cascades of them are tried without asking again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from statistics import median
from typing import cast

import numpy as np
from numpy.typing import NDArray

from goldcrest.config import CascadeConfig
from goldcrest.errors import UnsupportedTask
from goldcrest.evaluate import Asks, Progress
from goldcrest.names import Overflow, ProblemType, Readable, TaskName
from goldcrest.serving.escalating import Heard, escalation
from goldcrest.tasks import Classify, O, Reply, Request, Task
from goldcrest.values import EncodeOptions, Floats, Item

_N_PARTS = 20
"""Into which the texts are cut at least: the pace is that of the middle one."""
_FEWEST, _MOST = 16, 256
"""Texts that are asked together."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that may become a member.

    Attributes:
        name: under which it is to be served.
        problem_type: how its logits become numbers; None where it is no classifier.
    """

    name: str
    model: Asks
    problem_type: ProblemType | None


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A classifier that says again what it once said, and knows nothing else (`Asks`).

    Attributes:
        problem_type: how its logits become numbers.
        places: of each item, the row of the arrays.
        outputs: *Shape:* ``(n_rows, n_labels)``.
        n_tokens: *Shape:* ``(n_rows,)``.
        n_dropped: *Shape:* ``(n_rows,)``.
        seconds_per_token: what it took to say all that.
    """

    name: str
    labels: tuple[str, ...]
    problem_type: ProblemType | None
    places: Mapping[Item, int]
    outputs: Floats
    n_tokens: NDArray[np.int64]
    n_dropped: NDArray[np.int64]
    seconds_per_token: float
    task: Readable = "classify"
    tasks: tuple[TaskName, ...] = ("classify",)

    def rows(self, items: Sequence[Item]) -> NDArray[np.intp]:
        """Where the items are in the arrays. *Shape:* ``(n_items,)``."""
        return np.array([self.places[item] for item in items], np.intp)

    def seconds(self, items: Sequence[Item]) -> NDArray[np.float64]:
        """What it takes for each. *Shape:* ``(n_items,)``."""
        n_tokens = self.n_tokens[self.rows(items)].astype(np.float64)
        return n_tokens * self.seconds_per_token

    def predict(
        self, task: Task[O], items: Sequence[Item], *, overflow: Overflow = "truncate"
    ) -> Reply[O]:
        """Answer as it once did.

        Raises:
            UnsupportedTask: that is not what it was asked.
        """
        if task != Classify() or overflow != "truncate":
            raise UnsupportedTask(f"what {self.name!r} said of {task.name} is not known")
        rows = self.rows(items)
        reply = Reply(
            self.name,
            self.outputs[rows],
            self.labels,
            tuple(self.n_tokens[rows].tolist()),
            tuple(self.n_dropped[rows].tolist()),
            (1,) * len(rows),
        )
        return cast("Reply[O]", reply)


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """A cascade of models whose answers are kept; it goes the way of one that is served (`Asks`)."""

    config: CascadeConfig
    members: Mapping[str, Kept]
    task: Readable = "classify"
    tasks: tuple[TaskName, ...] = ("classify",)

    @property
    def labels(self) -> tuple[str, ...]:
        """Those of the first member."""
        return self.members[self.config.members[0]].labels

    @property
    def problem_type(self) -> ProblemType | None:
        """That of the first member, and so of all."""
        return self.members[self.config.members[0]].problem_type

    def predict(
        self, task: Task[O], items: Sequence[Item], *, overflow: Overflow = "truncate"
    ) -> Reply[O]:
        """Ask one member after the other.

        Raises:
            UnsupportedTask: it is asked for what the members did not say.
        """
        encode = EncodeOptions(overflow=overflow)
        asked = cast("Request[Floats]", Request(task, items, encode=encode))
        steps = escalation(self.config, asked, cast("Classify", task))
        part = next(steps)
        while True:
            member = self.members[part.request.model or ""]
            reply = member.predict(part.request.task, part.request.items, overflow=overflow)
            try:
                part = steps.send(Heard(reply, member.problem_type))
            except StopIteration as end:
                return cast("Reply[O]", end.value)


def listen(
    candidates: Sequence[Candidate],
    items: Sequence[Item],
    *,
    clock: Callable[[], float],
    progress: Progress,
) -> list[Kept]:
    """Ask each model about all items, some at a time and in turns, and time it.

    In turns, so that what disturbs the machine for a while disturbs all of them.

    Args:
        candidates: whom to ask.
        items: at least one; the same item is asked once.
        clock: seconds; only differences matter.
        progress: told how many parts are answered, of how many.
    """
    different = list(dict.fromkeys(items))
    n_together = min(max(len(different) // _N_PARTS, _FEWEST), _MOST)
    heard = [_Hearing(candidate, clock) for candidate in candidates]
    for one in heard:
        one.warm(different[:n_together])
    done = count(1)
    starts = range(0, len(different), n_together)
    for start in starts:
        for one in heard:
            one.ask(different[start : start + n_together])
            progress(next(done), len(starts) * len(heard))
    return [one.kept(different) for one in heard]


@dataclass(slots=True)
class _Hearing:
    """What one model has said so far."""

    candidate: Candidate
    clock: Callable[[], float]
    replies: list[Reply[Floats]] = field(default_factory=list)
    paces: list[float] = field(default_factory=list)

    def warm(self, items: Sequence[Item]) -> None:
        """Ask once in vain, so that what is slow only the first time is not measured."""
        self.candidate.model.predict(Classify(), items)

    def ask(self, items: Sequence[Item]) -> None:
        begun = self.clock()
        reply = self.candidate.model.predict(Classify(), items)
        self.paces.append((self.clock() - begun) / sum(reply.n_tokens))
        self.replies.append(reply)

    def kept(self, items: Sequence[Item]) -> Kept:
        """All of it."""
        return Kept(
            name=self.candidate.name,
            labels=self.candidate.model.labels,
            problem_type=self.candidate.problem_type,
            places={item: place for place, item in enumerate(items)},
            outputs=np.concatenate([reply.outputs for reply in self.replies]),
            n_tokens=np.array([n for reply in self.replies for n in reply.n_tokens]),
            n_dropped=np.array([n for reply in self.replies for n in reply.n_dropped]),
            seconds_per_token=median(self.paces),
        )
