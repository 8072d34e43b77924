"""How a request finds its version (`Predict`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace

from goldcrest.config import CascadeConfig
from goldcrest.errors import (
    Draining,
    Loading,
    UnknownModel,
    Unloaded,
    UnsupportedTask,
)
from goldcrest.model.version import Version
from goldcrest.names import TaskName
from goldcrest.records import Sample
from goldcrest.serving.cascade import Cascade
from goldcrest.serving.served import Served
from goldcrest.tasks import O, Reply, Request
from goldcrest.values import Infer, ServedModel

_TRIES = 4
"""How often a request looks for a model that others open and close meanwhile."""


def _bare(version: Version) -> Infer:
    return version.infer


@dataclass(frozen=True, slots=True)
class Closed:
    """A model that is opened by the first request that needs it.

    Attributes:
        described: what is known of it; None where nothing is before it was open once.
        wake: opens it, and returns when it is open.
    """

    name: str
    described: ServedModel | None
    wake: Callable[[], Awaitable[None]]

    def does(self, task: TaskName | None) -> bool:
        """Whether it is known that it can be asked that; None stands for anything."""
        return self.described is not None and (task is None or task in self.described.tasks)


@dataclass(frozen=True, slots=True)
class Resting:
    """A model whose engine was given up; the next one comes in about that time."""

    retry_after_s: float


@dataclass
class Routed:
    """The models of the service by name; the first of a task answers where none is named.

    Attributes:
        expected: the names that will be served, in order, open yet or not.
        around: what is put around each version, such as a cache.
    """

    expected: tuple[str, ...]
    around: Callable[[Version], Infer] = _bare
    _places: dict[str, Served | Closed | Resting] = field(default_factory=dict)
    _cascades: dict[str, Cascade] = field(default_factory=dict)
    _lazy: set[str] = field(default_factory=set)
    _unloaded: set[str] = field(default_factory=set)

    async def __call__(self, request: Request[O]) -> Reply[O]:
        """Pass the request to the version it names, or to the default of its task.

        A version that closes before it took the request is not the end of it: it goes to the one
        that came in its place, or waits until the model is open again.

        Raises:
            UnknownModel: no such name.
            UnsupportedTask: nothing here does that.
            Loading: what was asked for is not open yet.
            Unloaded: what was asked for was taken out of service.
        """
        place = self.place(request.model, request.task.name)
        if type(place) is Served:  # the usual way
            try:
                return await place(request)
            except (Unloaded, Draining):
                if self.place(request.model, request.task.name) is place:
                    raise
        return await self._once_open(request)

    async def _once_open(self, request: Request[O]) -> Reply[O]:
        for _ in range(_TRIES):
            place = self.place(request.model, request.task.name)
            if isinstance(place, Closed):
                await place.wake()
                continue
            try:
                return await place(request)
            except (Unloaded, Draining):
                if self.place(request.model, request.task.name) is place:
                    raise
        raise Loading("models are opened and closed faster than this can be answered; try again")

    def add(self, version: Version) -> None:
        """Serve a version from now on, in the place of an older one if there is one."""
        self._places[version.name] = Served(version, self.around(version))
        self._unloaded.discard(version.name)

    def close(self, closed: Closed) -> None:
        """Let a model be opened by the first request that needs it; an open one goes."""
        self._lazy.add(closed.name)
        self._places[closed.name] = closed

    def join(self, cascade: CascadeConfig, clock: Callable[[], float]) -> None:
        """Serve members as one from now on, be they open yet or not; requests come here for each.

        Args:
            cascade: its members are names of models.
            clock: seconds; only differences matter.
        """
        self._cascades[cascade.name] = Cascade(cascade, self, self._known, clock)

    def rest(self, name: str, retry_after_s: float) -> None:
        """Let a model answer nothing until its next version comes; the others go on."""
        self._places[name] = Resting(retry_after_s)

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
        self._places.pop(name, None)

    def served(self, name: str) -> Served | None:
        """What answers under a name; None where it is not open."""
        place = self._places.get(name)
        return place if isinstance(place, Served) else None

    @property
    def is_ready(self) -> bool:
        """Whether every model that should be open is, and its smallest shapes are warm.

        A model whose engine is being replaced does not count, unless it is the only one.
        """
        without = {*self._unloaded, *self._lazy, *self._cascades}
        places = [self._places.get(name) for name in self.expected if name not in without]
        about = [place for place in places if not isinstance(place, Resting)]
        return all(
            isinstance(place, Served) and place.version.is_ready for place in about or places
        )

    def models(self) -> tuple[ServedModel, ...]:
        """Describe what is open and what may be opened, in the order of the settings."""
        known = [one for name in self.expected if (one := self._known(name)) is not None]
        firsts: dict[TaskName, str] = {}
        for model in known:
            for task in model.tasks:
                firsts.setdefault(task, model.name)
        return tuple(
            replace(model, defaults=tuple(t for t in model.tasks if firsts[t] == model.name))
            for model in known
        )

    def _known(self, name: str) -> ServedModel | None:
        place = self._at(name)
        if isinstance(place, Served):
            return describe(place.version)
        if isinstance(place, Cascade):
            return place.describe()
        return place.described if isinstance(place, Closed) else None

    @property
    def cascades(self) -> tuple[Cascade, ...]:
        """Those that are served."""
        return tuple(self._cascades.values())

    def samples(self) -> Iterator[Sample]:
        """What is told to the metrics, read at the moment of asking."""
        for cascade in self.cascades:
            yield from cascade.samples()

    def place(self, name: str | None, task: TaskName | None) -> Served | Closed | Cascade:
        """What answers under that name, or the first that does the task, or the first at all.

        Raises:
            UnknownModel: no such name.
            UnsupportedTask: nothing here does that.
            Loading: what was asked for is not open yet.
            Unloaded: what was asked for was taken out of service.
        """
        if name is not None:
            return self._named(name)
        for expected in self.expected:
            place = self._at(expected)
            if self._is_out(expected, place):
                continue
            if place is None or isinstance(place, Resting):  # no later one stands in for it
                raise _loading(expected, place, f"no model that does {task or 'anything'} is open")
            if place.does(task):
                return place
        raise UnsupportedTask(f"no model served here does {task or 'anything'}")

    def _at(self, name: str) -> Served | Closed | Resting | Cascade | None:
        return self._cascades.get(name) or self._places.get(name)

    def _is_out(self, name: str, place: object) -> bool:
        """Whether a model was taken out of service, or one that a cascade needs."""
        members = place.members if isinstance(place, Cascade) else ()
        return not self._unloaded.isdisjoint((name, *members))

    def _named(self, name: str) -> Served | Closed | Cascade:
        place = self._at(name)  # once: another thread may take it out
        if isinstance(place, Served | Closed | Cascade):
            return place
        if name not in self.expected:
            raise UnknownModel(name, self.expected)
        if name in self._unloaded:
            raise Unloaded(f"the model {name!r} was taken out of service; load it again")
        raise _loading(name, place, f"the model {name!r} is still loading")


def _loading(name: str, place: Resting | None, message: str) -> Loading:
    if place is None:
        return Loading(message)
    return Loading(f"the engine of {name!r} is being replaced by a fresh one", place.retry_after_s)


def describe(version: Version) -> ServedModel:
    """What an open version says of itself; of the defaults it knows nothing."""
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
        defaults=(),
        problem_type=manifest.problem_type if manifest.task == "classify" else None,
    )
