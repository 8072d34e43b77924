"""Runs a comparison from the first compilation to the pick."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import fmean

import msgspec

from goldcrest.artifact import Artifact
from goldcrest.compare import children
from goldcrest.compare.contender import Contender
from goldcrest.compare.course import Course, Makers, Watch
from goldcrest.compare.judging import Judge
from goldcrest.compare.pick import pick
from goldcrest.compare.probe import Items, Order
from goldcrest.compare.result import (
    Comparison,
    Failure,
    Judged,
    Machine,
    Measured,
    Round,
    Texts,
)
from goldcrest.compare.summary import measured, round_of
from goldcrest.compare.texts import NAME, chosen, made_up, n_characters
from goldcrest.config import Config
from goldcrest.config.machine import usable_processors
from goldcrest.engine.processor import processor
from goldcrest.errors import ConfigError, GoldcrestError, NothingMeasured, ProbeFailed

_N_ITEMS = 512
"""Items that speed is measured with: enough for every length to occur."""


def compare(course: Course, makers: Makers, watch: Watch) -> Comparison:
    """Measure contenders one at a time, in turns, and pick one.

    Raises:
        ConfigError: they do not all have one task, or the metric does not fit it.
        DataProblem: the texts are not such as the models take.
        NothingMeasured: none of them could be opened, or run.
    """
    return _Trial(course, makers, watch).run()


@dataclass(slots=True)
class _Trial:
    course: Course
    makers: Makers
    watch: Watch
    artifacts: dict[Contender, Artifact] = field(default_factory=dict)
    rounds: dict[Contender, list[Round]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def run(self) -> Comparison:
        began_at = datetime.now(UTC).isoformat(timespec="seconds")
        course, n = self.course, len(self.course.contenders)
        self.watch.begin(n * (1 + course.n_rounds + (course.data is not None)))
        self._compile()
        check_tasks({one.name: artifact for one, artifact in self.artifacts.items()})
        judged = self._judged()  # first: what is wrong with the texts should show early
        for number in range(course.n_rounds):
            self._round(number)
        found = tuple(self._measured(judged))
        if not found:
            raise NothingMeasured("; ".join(f"{one.name}: {one.reason}" for one in self.failures))
        return Comparison(
            machine=_machine(),
            texts=self._texts(),
            measured=found,
            failures=tuple(self.failures),
            choice=pick(found, course.target, course.updates, course.given),
            n_threads=self._config().engine.threads,
            n_rounds=course.n_rounds,
            seconds=course.seconds,
            notes=tuple(self.notes),
            command=course.command,
            began_at=began_at,
            version=version("goldcrest"),
        )

    @property
    def _running(self) -> list[Contender]:
        """Those that did not fail so far."""
        out = {failure.name for failure in self.failures}
        return [one for one in self.artifacts if one.name not in out]

    def _compile(self) -> None:
        for one in self.course.contenders:
            self.watch.step(f"{one.name}: opening")
            try:
                self.artifacts[one] = self.makers.artifact(one, self.watch.tell)
            except GoldcrestError as error:
                self.failures.append(Failure(one.name, str(error)))

    def _round(self, number: int) -> None:
        """Every contender once, every second time in reverse, against drift."""
        for one in self._running[:: -1 if number % 2 else 1]:
            self.watch.step(f"{one.name}: round {number + 1} of {self.course.n_rounds}")
            try:
                seen = self._seen(one, number)
            except ProbeFailed as error:
                self.failures.append(Failure(one.name, error.said))
            else:
                self.rounds.setdefault(one, []).append(seen)

    def _seen(self, one: Contender, number: int) -> Round:
        """A first start in an empty cache folder, and a second one that goes on to work."""
        items = self._items(one, seed=number)
        with tempfile.TemporaryDirectory(prefix="goldcrest-compare-") as folder:
            order = Order(
                source=str(self.artifacts[one].folder),
                config=self._config(one, cache=folder),
                items=items,
            )
            first = children.run(one.name, order)
            work = msgspec.structs.replace(order, seconds=self.course.seconds, swaps=number == 0)
            second = children.run(one.name, work)
        return round_of(first, second)

    def _config(self, one: Contender | None = None, cache: str = "") -> Config:
        """The settings in force, but for what is measured: precision, threads and cache."""
        config, n_threads = self.course.config, self.course.target.n_threads
        engine = msgspec.structs.replace(
            config.engine,
            precision=one.precision if one else "auto",
            threads=n_threads or config.engine.threads,
        )
        kept = msgspec.structs.replace(config.cache, folder=cache)
        return msgspec.structs.replace(config, engine=engine, cache=kept)

    def _items(self, one: Contender, seed: int) -> Items:
        if self.course.data is not None:
            return tuple(chosen(self.course.data.items, _N_ITEMS, seed=seed))
        manifest = self.artifacts[one].manifest
        return tuple(made_up(_N_ITEMS, task=manifest.task, mask=manifest.mask_token, seed=seed))

    def _judged(self) -> Mapping[Contender, Judged]:
        """The quality of each, where it can be told; one that fails at it is out."""
        if self.course.data is None:
            return {}
        judge = Judge(self.course.data, self.course.metric, self.makers.model)
        found = {}
        for one in self._running:
            self.watch.step(f"{one.name}: quality")
            try:
                found[one] = judge(one, self.artifacts[one], self.watch.tell)
            except GoldcrestError as error:
                self.failures.append(Failure(one.name, str(error)))
        self.notes += judge.notes
        return {one: quality for one, quality in found.items() if quality is not None}

    def _measured(self, judged: Mapping[Contender, Judged]) -> Iterator[Measured]:
        for one in self._running:
            yield measured(one, self.artifacts[one], self.rounds[one], judged.get(one))

    def _texts(self) -> Texts:
        data = self.course.data
        items = self._items(self._running[0], seed=0)
        return Texts(
            name=NAME if data is None else data.name,
            n=len(items),
            n_rows=0 if data is None else len(data),
            mean_characters=fmean(map(n_characters, items)),
            is_made_up=data is None,
            is_labelled=data is not None and data.is_labelled,
        )


def check_tasks(artifacts: Mapping[str, Artifact]) -> None:
    """Refuse to compare models that were not trained for the same.

    Raises:
        ConfigError: names the tasks.
    """
    tasks = {name: artifact.manifest.task for name, artifact in artifacts.items()}
    if len(set(tasks.values())) > 1:
        told = ", ".join(f"{name} for {task}" for name, task in tasks.items())
        raise ConfigError(f"only models of one task can be compared, not {told}")


def _machine() -> Machine:
    here = processor()
    return Machine(
        processor=here.name,
        features=here.noteworthy,
        cores=usable_processors(),
    )
