"""What a comparison is to do, and what it is given to do it with."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from goldcrest.artifact import Artifact
from goldcrest.compare.contender import Contender
from goldcrest.compare.result import Limit, Updates
from goldcrest.compare.target import Target
from goldcrest.config import Config
from goldcrest.evaluate import Asks, MetricName, TextSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What a comparison is to do.

    Attributes:
        config: the settings in force.
        data: texts to ask, and to judge quality by; None: texts are made up.
        metric: of the quality; None: what fits the model and the labels.
        given: limits that the caller set.
        n_rounds: of each contender, taking turns.
        seconds: for latencies, and for throughput, in each round.
        command: for the report.
    """

    contenders: tuple[Contender, ...]
    config: Config
    target: Target
    updates: Updates = "rarely"
    data: TextSet | None = None
    metric: MetricName | None = None
    given: tuple[Limit, ...] = ()
    n_rounds: int = 3
    seconds: float = 3.0
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Makers:
    """What opens models; it belongs to a part that knows more than this one.

    Attributes:
        artifact: finds or compiles what a contender names, telling the steps.
        model: opens an artifact in a precision, in this process.
    """

    artifact: Callable[[Contender, Callable[[str], None]], Artifact]
    model: Callable[[Artifact, Contender], AbstractContextManager[Asks]]


class Watch(Protocol):
    """Sees a comparison run."""

    def begin(self, n_steps: int) -> None:
        """So many steps come."""

    def step(self, title: str) -> None:
        """One begins."""

    def tell(self, detail: str) -> None:
        """What the step is at; empty when it is done."""


class Unwatched:
    """Nobody looks."""

    def begin(self, n_steps: int) -> None:
        pass

    def step(self, title: str) -> None:
        pass

    def tell(self, detail: str) -> None:
        pass
