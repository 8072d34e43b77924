"""Who is told how an optimisation goes, and what it needs of the rest of Goldcrest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from goldcrest.artifact import Artifact
from goldcrest.engine import Engine
from goldcrest.engine.choice import Candidate
from goldcrest.engine.processor import Processor
from goldcrest.evaluate import Asks


class Watch(Protocol):
    """Shows what is being done."""

    def begin(self, step: str) -> None:
        """A step begins, and with it the one before ends."""

    def seen(self, done: int, total: int) -> None:
        """So much of the step is done."""

    def say(self, line: str) -> None:
        """Something was found that should stay on the screen."""


class Silent:
    """Shows nothing."""

    def begin(self, step: str) -> None:
        pass

    def seen(self, done: int, total: int) -> None:
        pass

    def say(self, line: str) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Tools:
    """What an optimisation needs of the machine and of the settings.

    Attributes:
        open_model: opens an artifact that can run in one way only, to be asked.
        open_engine: compiles a candidate's graph for a number of threads.
        probe: the command of a process that holds one candidate.
        runtime: name and version of the engine's library.
        max_tokens: slots of the largest grid.
        objective_s: the longest that a grid should take.
        remember: notes the fastest candidate of an artifact for the next start on this machine.
    """

    open_model: Callable[[Path], AbstractContextManager[Asks]]
    open_engine: Callable[[Path, Candidate, int], Engine]
    probe: Sequence[str]
    processor: Processor
    n_threads: int
    runtime: str
    max_tokens: int
    objective_s: float
    remember: Callable[[Artifact, Candidate], None]
