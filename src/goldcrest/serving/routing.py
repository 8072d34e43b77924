"""How a request finds its version, and what a version's answers look like (`Predict`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from goldcrest.errors import EmptyInput, Loading, UnknownModel, Unloaded, UnsupportedTask
from goldcrest.heads.plain import Head
from goldcrest.model.version import Version
from goldcrest.names import TaskName
from goldcrest.tasks import Fill, O, Reply, Request, Span, Task, Tokens
from goldcrest.values import Answer, ServedModel

_TOGETHER = 64

_LONG = 2048
"""Tokens from which an answer is presented off the event loop: some 20 milliseconds of work."""


@dataclass(frozen=True, slots=True)
class Served:
    """One version, asked for what its heads can present."""

    version: Version

    async def __call__(self, request: Request[O]) -> Reply[O]:
        """Expand, infer, present.

        Raises:
            UnsupportedTask: the version does others.
            EmptyInput: there are no items.
        """
        if not request.items:
            raise EmptyInput("there is nothing to answer: the list of texts is empty")
        head = self._head(request)
        asked = head.expand(request.items, request.task)
        options = request.task.encoding(request.encode)
        answers = await self.version.infer(asked, options, request.urgency)
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


@dataclass
class Routed:
    """The models of the service by name; the first of a task answers where none is named.

    Attributes:
        expected: the names that will be served, in order, open yet or not.
    """

    expected: tuple[str, ...]
    _served: dict[str, Served] = field(default_factory=dict)
    _unloaded: set[str] = field(default_factory=set)

    async def __call__(self, request: Request[O]) -> Reply[O]:
        """Pass the request to the version it names, or to the default of its task.

        Raises:
            UnknownModel: no such name.
            UnsupportedTask: nothing here does that.
            Loading: what was asked for is not open yet.
            Unloaded: what was asked for was taken out of service.
        """
        return await Served(self.find(request.model, request.task.name))(request)

    def add(self, version: Version) -> None:
        """Serve a version from now on."""
        self._served[version.name] = Served(version)
        self._unloaded.discard(version.name)

    def is_unloaded(self, name: str) -> bool:
        """Whether a model was taken out of service."""
        return name in self._unloaded

    def remove(self, name: str) -> None:
        """Take a model out of service, be it open or not.

        Raises:
            UnknownModel: no such name.
        """
        if name not in self.expected:
            raise UnknownModel(name, self.expected)
        self._unloaded.add(name)
        self._served.pop(name, None)

    @property
    def is_ready(self) -> bool:
        """Whether every model that is wanted is open, and its smallest shapes are warm."""
        wanted = [name for name in self.expected if name not in self._unloaded]
        served = [self._served.get(name) for name in wanted]
        return all(one is not None and one.version.is_ready for one in served)

    def models(self) -> tuple[ServedModel, ...]:
        """Describe what is open, in the order of the settings."""
        found = [self._served.get(name) for name in self.expected]
        opened = [served.version for served in found if served is not None]
        firsts: dict[TaskName, str] = {}
        for version in opened:
            for task in version.tasks:
                firsts.setdefault(task, version.name)
        return tuple(_describe(version, firsts) for version in opened)

    def find(self, name: str | None, task: TaskName | None) -> Version:
        """The version of that name, or the first that does the task, or the first at all.

        Raises:
            UnknownModel: no such name.
            UnsupportedTask: nothing here does that.
            Loading: what was asked for is not open yet.
            Unloaded: what was asked for was taken out of service.
        """
        if name is not None:
            return self._named(name)
        for expected in self.expected:
            if expected in self._unloaded:
                continue
            served = self._served.get(expected)
            if served is None:  # it may be the default: no later one stands in
                raise Loading(f"no model that does {task or 'anything'} is open yet")
            if task is None or task in served.version.heads:
                return served.version
        raise UnsupportedTask(f"no model served here does {task or 'anything'}")

    def _named(self, name: str) -> Version:
        served = self._served.get(name)  # once: another thread may take it out
        if served is not None:
            return served.version
        if name not in self.expected:
            raise UnknownModel(name, self.expected)
        if name in self._unloaded:
            raise Unloaded(f"the model {name!r} was taken out of service; load it again")
        raise Loading(f"the model {name!r} is still loading")


def _describe(version: Version, firsts: dict[TaskName, str]) -> ServedModel:
    manifest = version.artifact.manifest
    return ServedModel(
        name=version.name,
        task=manifest.task,
        tasks=version.tasks,
        labels=manifest.labels,
        dimensions=manifest.dimensions if manifest.task == "embed" else 0,
        pooling=manifest.pooling if manifest.task == "embed" else "",
        precision=version.precision,
        max_length=version.tokenizer.max_length,
        digest=version.artifact.digest,
        source=manifest.source,
        family=manifest.family,
        is_ready=version.is_ready,
        defaults=tuple(task for task in version.tasks if firsts[task] == version.name),
    )
