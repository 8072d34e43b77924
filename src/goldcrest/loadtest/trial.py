"""Runs a load test from its first request to its report."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from math import ceil
from typing import Protocol

import msgspec
import numpy as np

from goldcrest.loadtest import parts, search, tally, watching
from goldcrest.loadtest.about import machine, notes, profile_summary
from goldcrest.loadtest.arrivals import Curve, level
from goldcrest.loadtest.columns import Chunk
from goldcrest.loadtest.course import Course, check
from goldcrest.loadtest.crew import Crew, LoadTestFailed
from goldcrest.loadtest.interrupting import interrupting
from goldcrest.loadtest.objective import excess
from goldcrest.loadtest.orders import Prepare
from goldcrest.loadtest.replay import Recorded
from goldcrest.loadtest.result import Found, Kind, LoadReport, Step
from goldcrest.loadtest.started import Started
from goldcrest.loadtest.stock import N_AHEAD
from goldcrest.loadtest.subject import Client, Server, Target
from goldcrest.metrics.scraping import fetcher

_REST_S = 0.3
"""Between steps, so that the last answers of one do not meet the first requests of the next."""
_SWEEP_S = 0.1
"""So that the last request is found to be past its time."""
_WARM_CLIENTS = 4
_PROBE_CLIENTS = 16
_N_ENOUGH = 200
"""Requests that a step of the search should have, unless it took several times as long for them."""
_LONGEST = 3.0
_SEARCH_FROM = 0.5
"""The search begins at this share of what a closed loop of a few clients got."""


class Watch(Protocol):
    """Is told how the test goes."""

    def begin(self, title: str, seconds: float) -> None: ...

    def seen(self, chunk: Chunk) -> None: ...

    def end(self, step: Step) -> None: ...


class Unwatched:
    """Nobody looks."""

    def begin(self, title: str, seconds: float) -> None: ...

    def seen(self, chunk: Chunk) -> None: ...

    def end(self, step: Step) -> None: ...


def load_test(
    course: Course, watch: Watch | None = None, started: Started | None = None
) -> LoadReport:
    """Run a load test; Ctrl-C ends it early, and what was seen is reported all the same.

    Args:
        course: what to do.
        watch: told how it goes.
        started: the server, if the test started it: for the report.

    Raises:
        ConfigError: the course cannot be run.
        LoadTestFailed: the test itself failed.
    """
    check(course)
    return asyncio.run(Trial(course, watch or Unwatched(), started).run())


class Trial:
    """One load test.

    Args:
        course: what to do.
        watch: told how it goes.
        started: the server, if the test started it.
    """

    def __init__(self, course: Course, watch: Watch, started: Started | None) -> None:
        self._course, self._watch, self._started = course, watch, started
        self._crew = Crew(parts.setups(course), watch.seen)
        key = os.environ.get(course.key_variable, "") if course.key_variable else ""
        self._fetch = fetcher(course.base, key)
        self._dice = np.random.default_rng(course.seed)
        self._steps: list[Step] = []
        self._found: Found | None = None
        self._is_stopped = False
        self._began = 0.0
        self._n_slots = 1

    async def run(self) -> LoadReport:
        """Run it all."""
        began_at = datetime.now(UTC)
        self._began = time.monotonic()
        with interrupting(self.stop):
            async with self._crew:
                _, self._n_slots = await asyncio.to_thread(watching.lanes, self._fetch)
                await self._run()
        server = await asyncio.to_thread(self._server)
        return self._report(began_at, server)

    def stop(self) -> None:
        """End early."""
        self._is_stopped = True
        self._crew.stop()

    async def _run(self) -> None:
        course = self._course
        first = 0.0
        if course.warm_up_s or course.finds_max:  # a search begins at what the warm-up got
            first = await self._warm_up()
        if course.recorded is not None:
            await self._replayed(course.recorded)
        for clients in course.clients:
            await self._closed("step", clients, course.seconds)
        for number in range(len(course.rates) - course.ramps):
            await self._open("spike" if course.spike else "step", parts.curve(course, number))
        if course.finds_max:
            await self._search(max(1.0, first * _SEARCH_FROM))

    async def _warm_up(self) -> float:
        """Send what needs not count; returns the rate that a few clients got."""
        course = self._course
        clients = _PROBE_CLIENTS if course.finds_max else _WARM_CLIENTS
        step = await self._closed("warm-up", clients, max(course.warm_up_s, 1.0))
        if step is None:
            return 0.0
        if not step.answered and step.sent > step.refused:
            kinds = ", ".join(f"{kind} {n} times" for kind, n in step.errors.items())
            raise LoadTestFailed(
                f"{course.base}{course.route} gave no good answer in the warm-up: {kinds}"
            )
        return step.rate

    async def _search(self, first: float) -> None:
        course, tried = self._course, list[search.Tried]()
        while not self._is_stopped:
            left = course.max_steps - len(tried)
            chosen = search.next_step(tried, first=_rounded(first), steps_left=left)
            if chosen is None:
                break
            rate = _rounded(chosen.rate)
            step = await self._open(chosen.kind, level(rate, _seconds(course.seconds, rate)))
            if step is None or course.slo is None:
                break
            tried.append(search.Tried(rate, excess(step, course.slo), bool(step.problem)))
        if tried:
            self._found = search.found(tried)

    async def _closed(self, kind: Kind, clients: int, seconds: float) -> Step | None:
        ahead = min(N_AHEAD, int(max((step.rate for step in self._steps), default=200) * seconds))
        shares = parts.clients(self._course, clients, n_ahead=ahead)
        asked = tally.Asked(
            kind=kind, mode="closed", rate=0.0, clients=clients, slo=self._course.slo
        )
        return await self._run_step(asked, shares, seconds)

    async def _open(self, kind: Kind, wanted: Curve) -> Step | None:
        _, sums = wanted.cumulative()
        course, seconds = self._course, wanted.seconds
        asked = tally.Asked(
            kind=kind, mode=course.mode, rate=float(sums[-1] / seconds), clients=0, slo=course.slo
        )
        return await self._run_step(asked, parts.drawn(course, wanted, self._dice), seconds)

    async def _replayed(self, recorded: Recorded) -> Step | None:
        course = self._course
        asked = tally.Asked(
            kind="step", mode="replay", rate=recorded.rate, clients=0, slo=course.slo
        )
        return await self._run_step(asked, parts.replayed(course), recorded.seconds)

    async def _run_step(
        self, asked: tally.Asked, shares: Sequence[Prepare], seconds: float
    ) -> Step | None:
        if self._is_stopped:
            return None
        course = self._course
        if self._steps:
            await asyncio.sleep(_REST_S)
        before = await asyncio.to_thread(watching.sample, self._fetch)
        self._watch.begin(_title(asked), seconds)
        patience_s = min(course.timeout_ms / 1000 + _SWEEP_S, max(5.0, seconds))
        sent = await self._crew.run(shares, seconds=seconds, patience_s=patience_s)
        ended_at = time.monotonic()
        after = await asyncio.to_thread(watching.sample, self._fetch)
        server = watching.between(before, after, seconds=ended_at - sent.began, slots=self._n_slots)
        if server is not None:
            runs = await asyncio.to_thread(watching.runs, self._fetch, server.n_batches)
            server = msgspec.structs.replace(server, runs=runs)
        starts_at = sent.began - self._began
        step = tally.step(asked, sent, starts_at=starts_at, server=server)
        self._steps.append(step)
        self._watch.end(step)
        return step

    def _server(self) -> Server:
        steps = [step.server for step in self._steps if step.kind != "warm-up"]
        known = tuple(step for step in steps if step is not None)
        server = watching.describe(self._fetch, known)
        if not self._course.is_local:
            return server
        here, held = machine(), self._started.constraint if self._started else None
        if held is not None and held.cpus:
            here = msgspec.structs.replace(here, cores=ceil(held.cpus))
        return msgspec.structs.replace(
            server,
            machine=here,
            constraint=held,
            start_s=self._started.start_s if self._started else 0.0,
        )

    def _report(self, began_at: datetime, server: Server) -> LoadReport:
        course = self._course
        return LoadReport(
            target=Target(
                url=course.base,
                protocol=course.api,
                route=course.route,
                model=course.model,
                is_local=course.is_local,
            ),
            client=Client(
                machine=machine(),
                n_processes=course.processes,
                max_connections=course.max_connections,
                version=version("goldcrest"),
            ),
            server=server,
            profile=profile_summary(course.profile, *self._crew.lengths()),
            steps=tuple(self._steps),
            slo=course.slo,
            found=self._found,
            command=course.command,
            began_at=began_at.isoformat(timespec="seconds"),
            notes=tuple(notes(course)),
            is_complete=not self._is_stopped,
        )


def _title(asked: tally.Asked) -> str:
    how = f"{asked.clients} clients" if asked.mode == "closed" else f"{asked.rate:.4g} requests/s"
    return f"{asked.kind}: {how}"


def _seconds(seconds: float, rate: float) -> float:
    """How long a step of the search takes: longer at low rates, since a quantile needs numbers."""
    return min(max(seconds, _N_ENOUGH / rate), _LONGEST * seconds)


def _rounded(rate: float) -> float:
    """A rate with three digits, so that a search comes back to the very same ones."""
    return float(f"{rate:.3g}")
