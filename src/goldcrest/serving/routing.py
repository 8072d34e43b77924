"""How a request finds its version, and what a version's answers look like (`Predict`)."""

from __future__ import annotations

from dataclasses import dataclass, field

from goldcrest.errors import EmptyInput, Loading, UnknownModel, UnsupportedTask
from goldcrest.model.version import Version
from goldcrest.values import Reply, Request, ServedModel, Task


@dataclass(frozen=True, slots=True)
class Served:
    """One version, asked for what its head can present."""

    version: Version

    @property
    def task(self) -> Task:
        return self.version.artifact.manifest.task

    async def __call__(self, request: Request) -> Reply:
        """Infer, then present.

        Raises:
            UnsupportedTask: the version does another.
            EmptyInput: there are no items.
        """
        if request.task != self.task:
            raise UnsupportedTask(f"{self.version.name!r} does {self.task}, not {request.task}")
        if not request.items:
            raise EmptyInput("there is nothing to answer: the list of texts is empty")
        answers = await self.version.infer(request.items, request.encode, request.urgency)
        head = self.version.head
        return Reply(
            model=self.version.name,
            outputs=head.present([answer.values for answer in answers], request.present),
            labels=head.labels,
            n_tokens=tuple([answer.n_tokens for answer in answers]),
            n_dropped=tuple([answer.n_dropped for answer in answers]),
        )


@dataclass
class Routed:
    """The models of the service by name; the first of a task answers where none is named.

    Attributes:
        expected: the names that will be served, in order, open yet or not.
    """

    expected: tuple[str, ...]
    _served: dict[str, Served] = field(default_factory=dict)

    async def __call__(self, request: Request) -> Reply:
        """Pass the request to the version it names, or to the default of its task.

        Raises:
            UnknownModel: no such name.
            UnsupportedTask: nothing here does that.
            Loading: what was asked for is not open yet.
        """
        return await self._find(request)(request)

    def add(self, version: Version) -> None:
        """Serve a version from now on."""
        self._served[version.name] = Served(version)

    @property
    def is_ready(self) -> bool:
        return len(self._served) == len(self.expected) and all(
            served.version.is_ready for served in self._served.values()
        )

    def models(self) -> tuple[ServedModel, ...]:
        """Describe what is open, in the order of the settings."""
        opened = [self._served[name] for name in self.expected if name in self._served]
        firsts = {served.task: served for served in reversed(opened)}
        return tuple(
            _describe(served.version, is_default=firsts[served.task] is served) for served in opened
        )

    def _find(self, request: Request) -> Served:
        if request.model is not None:
            return self._named(request.model)
        for name in self.expected:
            if name not in self._served:  # it may be the default: a later one must not stand in
                raise Loading(f"no model that does {request.task} is open yet")
            if self._served[name].task == request.task:
                return self._served[name]
        raise UnsupportedTask(f"no model served here does {request.task}")

    def _named(self, name: str) -> Served:
        if name not in self.expected:
            raise UnknownModel(name, self.expected)
        if name not in self._served:
            raise Loading(f"the model {name!r} is still loading")
        return self._served[name]


def _describe(version: Version, *, is_default: bool) -> ServedModel:
    manifest = version.artifact.manifest
    return ServedModel(
        name=version.name,
        task=manifest.task,
        labels=manifest.labels,
        dimensions=manifest.dimensions if manifest.task == "embed" else 0,
        precision=version.precision,
        max_length=version.tokenizer.max_length,
        digest=version.artifact.digest,
        source=manifest.source,
        is_ready=version.is_ready,
        is_default=is_default,
    )
