"""One version, asked for what its heads can present."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

from goldcrest.errors import EmptyInput, UnsupportedTask
from goldcrest.heads.plain import Head
from goldcrest.model.version import Version
from goldcrest.names import TaskName
from goldcrest.tasks import Fill, O, Reply, Request, Span, Task, Tokens
from goldcrest.values import Answer, Infer

_TOGETHER = 64

_LONG = 2048
"""Tokens from which an answer is presented off the event loop: some 20 milliseconds of work."""


_turns = count(1)


@dataclass(slots=True, eq=False)
class Served:
    """One version, asked for what its heads can present.

    Attributes:
        infer: what answers for it; None means the version itself.
        n_in_flight: requests that await it.
        last_turn: grows with every answer of any version; the lowest was used least recently.
    """

    version: Version
    infer: Infer | None = None
    n_in_flight: int = 0
    last_turn: int = field(default_factory=lambda: next(_turns))

    def does(self, task: TaskName | None) -> bool:
        """Whether it can be asked that; None stands for anything."""
        return task is None or task in self.version.heads

    async def __call__(self, request: Request[O]) -> Reply[O]:
        """Expand, infer, present.

        Raises:
            UnsupportedTask: the version does others.
            EmptyInput: there are no items.
        """
        self.n_in_flight += 1
        try:
            return await self._answered(request)
        finally:
            self.n_in_flight -= 1
            self.last_turn = next(_turns)

    async def _answered(self, request: Request[O]) -> Reply[O]:
        if not request.items:
            raise EmptyInput("there is nothing to answer: the list of texts is empty")
        head = self._head(request)
        asked = head.expand(request.items, request.task)
        options = request.task.encoding(request.encode)
        infer = self.infer or self.version.infer
        answers = await infer(asked, options, request.urgency)
        if _effort(request.task, answers) < _LONG:
            return self._reply(request, head, answers)
        return await self.version.apart(partial(self._reply, request, head, answers))

    def wait(self, request: Request[O]) -> Reply[O]:
        """Do the same for a caller without an event loop, and for no items too."""
        head = self._head(request)
        asked = head.expand(request.items, request.task) if request.items else ()
        options = request.task.encoding(request.encode)
        answers: list[Answer] = []
        for start in range(0, len(asked), _TOGETHER):  # any number stays below the queue's limit
            part = asked[start : start + _TOGETHER]
            answers += self.version.infer_and_wait(part, options, request.urgency)
        return self._reply(request, head, answers)

    def _head(self, request: Request[O]) -> Head[Any, Any]:
        head = self.version.heads.get(request.task.name)
        if head is None:
            raise UnsupportedTask(
                f"{self.version.name!r} does {', '.join(self.version.tasks)}, "
                f"not {request.task.name}"
            )
        return head

    def _reply(
        self, request: Request[O], head: Head[Any, Any], answers: Sequence[Answer]
    ) -> Reply[O]:
        outputs: O = head.present(request.items, answers, request.task)
        n_each = len(answers) // len(request.items) if request.items else 1
        n_tokens, n_dropped, n_windows = _counts(answers, n_each)
        return Reply(self.version.name, outputs, head.labels, n_tokens, n_dropped, n_windows)


def _effort(task: Task[Any], answers: Sequence[Answer]) -> int:
    """How much there is to present token by token, in tokens."""
    if not isinstance(task, Tokens | Span | Fill):
        return 0
    n_tokens = sum([answer.n_tokens for answer in answers])
    return n_tokens * task.top_k if isinstance(task, Fill) else n_tokens


def _counts(
    answers: Sequence[Answer], n_each: int
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Tokens run, tokens dropped and windows of each item, which was asked in ``n_each`` parts."""
    tokens = [answer.n_tokens for answer in answers]
    dropped = [answer.n_dropped for answer in answers]
    windows = [len(answer.windows) for answer in answers]
    if n_each == 1:
        return tuple(tokens), tuple(dropped), tuple(windows)
    starts = range(0, len(answers), n_each)
    return (
        tuple(sum(tokens[start : start + n_each]) for start in starts),
        tuple(max(dropped[start : start + n_each]) for start in starts),
        tuple(sum(windows[start : start + n_each]) for start in starts),
    )
