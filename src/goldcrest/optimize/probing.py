"""Measures candidates in turn, each in a process of its own: memory is its own, and noise hits all."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from goldcrest.errors import ProbeFailed
from goldcrest.optimize.orders import (
    Failed,
    Go,
    Opened,
    Order,
    Ready,
    Seen,
    Setup,
    Told,
    Warm,
    read_told,
    write,
)
from goldcrest.optimize.speed import Course, Round
from goldcrest.optimize.watch import Watch

_END_S = 5.0


@dataclass(frozen=True, slots=True)
class Subject:
    """What one probe is to hold.

    Attributes:
        name: what it is called in reports.
        log: where its process writes what goes wrong.
        environment: of the process; None means that of this one.
    """

    name: str
    setup: Setup
    log: Path
    environment: Mapping[str, str] | None = None


@dataclass(slots=True)
class Observed:
    """What was seen of one candidate.

    Attributes:
        course: None until it is warm.
        problem: why it could not be measured; empty where it was.
    """

    start_s: float = 0.0
    grown_bytes: int = 0
    course: Course | None = None
    rounds: list[Round] = field(default_factory=list)
    problem: str = ""


def measured(
    subjects: Sequence[Subject], command: Sequence[str], *, n_rounds: int, watch: Watch
) -> dict[str, Observed]:
    """Open every candidate, one after the other, then let them run rounds in turn.

    Each round begins with another one, so that none always follows the same.

    Returns:
        By name, what was seen; of one that failed, why.
    """
    seen = {subject.name: Observed() for subject in subjects}
    with ExitStack() as stack:
        probes: dict[str, Probe] = {}
        for subject in subjects:
            watch.begin(f"opening {subject.name} in a process of its own")
            try:
                probes[subject.name] = stack.enter_context(opened(subject, command))
                _warm(probes[subject.name], seen[subject.name])
            except ProbeFailed as error:
                seen[subject.name].problem = error.said
        watch.begin("measuring speed, in turn")
        for number in range(n_rounds):
            for name in _turned([name for name in probes if not seen[name].problem], number):
                _round(probes[name], seen[name])
            watch.seen(number + 1, n_rounds)
    return seen


def _warm(probe: Probe, seen: Observed) -> None:
    seen.start_s = probe.start_s
    ready = probe.ask(Warm())
    if isinstance(ready, Ready):
        seen.course = Course(ready.n_texts, ready.n_tokens, ready.grid)


def _round(probe: Probe, seen: Observed) -> None:
    try:
        told = probe.ask(Go())
    except ProbeFailed as error:
        seen.problem = error.said
        return
    if isinstance(told, Seen):
        seen.rounds.append(Round(told.seconds, told.lone_s))
        seen.grown_bytes = max(seen.grown_bytes, told.grown_bytes)


def _turned(names: Sequence[str], by: int) -> list[str]:
    by %= max(1, len(names))
    return [*names[by:], *names[:by]]


class Probe:
    """A process that holds one candidate.

    Attributes:
        start_s: from its start to its first answer.
    """

    def __init__(self, subject: Subject, process: subprocess.Popen[bytes]) -> None:
        self._subject, self._process = subject, process
        self._orders = cast("IO[bytes]", process.stdin)
        self._told = cast("IO[bytes]", process.stdout)
        self.start_s = 0.0

    def ask(self, order: Order) -> Told:
        """Send an order and wait for what comes of it.

        Raises:
            ProbeFailed: the process ended, or could not do it.
        """
        try:
            write(self._orders, order)
            line = self._told.readline()
        except OSError:  # it ended while it was spoken to
            line = b""
        told = read_told(line) if line else Failed(self._last_words())
        if isinstance(told, Failed):
            raise ProbeFailed(self._subject.name, told.reason)
        return told

    def _last_words(self) -> str:
        lines = self._subject.log.read_text("utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else f"its process ended with status {self._process.wait()}"


@contextmanager
def opened(subject: Subject, command: Sequence[str]) -> Iterator[Probe]:
    """Start a probe, and end it afterwards.

    Raises:
        ProbeFailed: the candidate could not be opened.
    """
    began = time.monotonic()
    with subject.log.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  # our own, from the same interpreter
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=None if subject.environment is None else dict(subject.environment),
            start_new_session=True,  # Ctrl-C is for the command, which ends them
        )
    try:
        probe = Probe(subject, process)
        if isinstance(probe.ask(subject.setup), Opened):
            probe.start_s = time.monotonic() - began
        yield probe
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
