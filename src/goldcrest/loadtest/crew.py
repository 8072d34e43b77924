"""The processes that send: starts them, gives them their parts of each step, gathers what they saw."""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from goldcrest.errors import GoldcrestError
from goldcrest.loadtest.columns import Chunk, Rows
from goldcrest.loadtest.orders import (
    Failed,
    Go,
    Order,
    Over,
    Prepare,
    Prepared,
    Report,
    Seen,
    Setup,
    Stop,
    packed,
    read_report,
)

_START_S = 0.05
"""Between the order to begin and the beginning, so that all processes have read it."""
_END_S = 5.0


class LoadTestFailed(GoldcrestError):
    """The load test itself could not do its work."""

    code = "load_test_failed"


@dataclass(slots=True)
class Texts:
    """What the texts were like that were sent so far."""

    tokens: list[bytes] = field(default_factory=list)
    characters: list[bytes] = field(default_factory=list)

    def add(self, told: Prepared) -> None:
        self.tokens.append(told.tokens)
        self.characters.append(told.characters)


@dataclass(slots=True)
class Sent:
    """What all processes saw of a step.

    Attributes:
        began: on the monotonic clock.
        seconds: that requests were sent for.
        cpu_share: of the busiest process.
    """

    began: float
    seconds: float
    rows: Rows
    n_asked: int
    n_waited: int
    cpu_share: float


@dataclass(slots=True)
class _Member:
    process: asyncio.subprocess.Process
    orders: asyncio.StreamWriter
    reports: asyncio.StreamReader
    n_asked: int = 0

    def order(self, order: Order) -> None:
        self.orders.write(packed(order))

    async def report(self) -> Report:
        try:
            report = await read_report(self.reports)
        except asyncio.IncompleteReadError as error:
            raise LoadTestFailed("a sending process of the load test has ended") from error
        if isinstance(report, Failed):
            raise LoadTestFailed(report.reason)
        return report

    async def prepared(self) -> Prepared:
        report = await self.report()
        return report if isinstance(report, Prepared) else await self.prepared()

    async def close(self) -> None:
        self.orders.close()
        try:
            await asyncio.wait_for(self.process.wait(), _END_S)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


class Crew:
    """The sending processes; use as a context.

    Args:
        setups: one per process.
        seen: told of the rows of the running step as they come.
    """

    def __init__(self, setups: Sequence[Setup], seen: Callable[[Chunk], None]) -> None:
        self._setups, self._seen = setups, seen
        self._members: list[_Member] = []
        self._is_stopped = False
        self.texts = Texts()

    @property
    def size(self) -> int:
        return len(self._setups)

    async def __aenter__(self) -> Crew:
        allow_files()
        for setup in self._setups:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "goldcrest.loadtest.worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=2**30,
                start_new_session=True,  # Ctrl-C is for the load test, which ends them
            )
            orders = cast("asyncio.StreamWriter", process.stdin)
            member = _Member(process, orders, cast("asyncio.StreamReader", process.stdout))
            self._members.append(member)
            member.order(setup)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(member.close() for member in self._members))

    async def run(self, parts: Sequence[Prepare], *, seconds: float, patience_s: float) -> Sent:
        """Run one step, a part in each process.

        Args:
            parts: as many as there are processes.
            seconds: that requests are sent for.
            patience_s: how long answers are waited for after that.

        Raises:
            LoadTestFailed: a process could not do its part.
        """
        for member, part in zip(self._members, parts, strict=True):
            member.order(part)
        for told in await asyncio.gather(*(member.prepared() for member in self._members)):
            self.texts.add(told)
        began = time.monotonic() + _START_S
        for member in self._members:
            member.n_asked = 0
            member.order(Go(at=began, seconds=seconds, patience_s=patience_s))
        if self._is_stopped:  # before there was anything to stop
            self.stop()
        chunks: list[Chunk] = []
        ends = await asyncio.gather(*(self._follow(member, chunks) for member in self._members))
        return Sent(
            began=began,
            seconds=max(end.wall_s for end in ends) if self._is_stopped else seconds,
            rows=Rows.join(chunks),
            n_asked=sum(member.n_asked for member in self._members),
            n_waited=sum(end.n_waited for end in ends),
            cpu_share=max(end.cpu_s / end.wall_s if end.wall_s > 0 else 0.0 for end in ends),
        )

    async def _follow(self, member: _Member, chunks: list[Chunk]) -> Over:
        while True:
            report = await member.report()
            if isinstance(report, Over):
                return report
            if isinstance(report, Seen):
                member.n_asked = report.n_asked
                chunks.append(report.rows)
                self._seen(report.rows)

    def stop(self) -> None:
        """End the step that runs; what is under way is still waited for."""
        self._is_stopped = True
        for member in self._members:
            member.order(Stop())

    def lengths(self) -> tuple[np.ndarray[tuple[int], np.dtype[np.int32]], ...]:
        """Tokens and characters of every text that was made."""
        tokens, characters = b"".join(self.texts.tokens), b"".join(self.texts.characters)
        return np.frombuffer(tokens, np.int32), np.frombuffer(characters, np.int32)


def allow_files() -> int:
    """Allow as many open files, and so connections, as the system lets us; returns how many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most
