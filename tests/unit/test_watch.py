"""What happens when an engine does not come back, or finds no memory."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from goldcrest.batching.batcher import Batcher
from goldcrest.batching.lane import Lane
from goldcrest.batching.policy import Policy
from goldcrest.batching.watch import LOOKS
from goldcrest.errors import EngineFailed, EngineHung, Unloaded
from goldcrest.packing.cost import CostTable
from goldcrest.packing.ladder import ladder
from goldcrest.records import BatchReport
from goldcrest.testing import FakeEngine, ManualClock, fake_logits
from goldcrest.values import Encoding, Urgency

NOW = Urgency()
HANGS = 77
HANG_S = 14_400.0


def encoding(*ids: int) -> Encoding:
    return Encoding(np.array(ids, np.int32))


def lane(engine: FakeEngine, name: str = "m") -> Lane:
    return Lane(
        name,
        lambda grid: engine.run(grid)["logits"],
        ladder=ladder(128),
        costs=CostTable(),
        objective_s=1.0,
        n_first=2,
    )


class Bench:
    """A batcher with a clock of its own, and an engine that hangs on one token."""

    def __init__(self) -> None:
        self.clock, self.reports = ManualClock(), list[BatchReport]()
        self.engine = FakeEngine(hangs_on={HANGS})
        self.batcher = Batcher(  # its watch looks when told to: no test lasts as long as that
            policy=Policy(hang_s=HANG_S),
            clock=self.clock,
            report=self.reports.append,
            look_s=3600.0,
        )
        self.n_hangs = 0

    def open(self, engine: FakeEngine | None = None, name: str = "m") -> None:
        engine = engine or self.engine
        self.batcher.open(lane(engine, name), on_hang=self.told)
        if name == "m":
            engine.entered.wait()

    def told(self) -> None:
        self.n_hangs += 1

    def look(self, *, after_s: float) -> None:
        self.clock.advance(after_s)
        for _ in range(LOOKS):
            self.batcher.look()

    async def hanging(self) -> asyncio.Task[object]:
        """A request whose run has begun to hang."""
        task = asyncio.create_task(self.batcher.submit("m", [encoding(HANGS)], NOW))
        await asyncio.to_thread(self.engine.hung.wait)
        return task


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    bench.open()
    yield bench
    bench.engine.release()
    bench.batcher.close()


async def test_jobs_of_an_engine_that_hangs_are_answered(bench: Bench) -> None:
    task = await bench.hanging()

    bench.look(after_s=HANG_S + 1)

    with pytest.raises(EngineHung, match="did not come back"):
        await task


async def test_jobs_that_wait_for_an_engine_that_hangs_are_answered_too(bench: Bench) -> None:
    await bench.hanging()
    waiting = asyncio.create_task(bench.batcher.submit("m", [encoding(1)], NOW))
    await asyncio.sleep(0)

    bench.look(after_s=HANG_S + 1)

    with pytest.raises(EngineHung):
        await waiting
    assert 0 == bench.batcher.n_jobs


async def test_a_fresh_slot_runs_the_jobs_of_other_lanes(bench: Bench) -> None:
    await bench.hanging()
    bench.open(FakeEngine(), "other")

    bench.look(after_s=HANG_S + 1)

    answer = await bench.batcher.submit("other", [encoding(1, 2)], NOW)
    assert np.array_equal(fake_logits(np.array([1, 2])), answer[0])


async def test_whoever_opened_the_lane_is_told_once_and_it_takes_no_more(bench: Bench) -> None:
    await bench.hanging()

    bench.look(after_s=HANG_S + 1)
    bench.look(after_s=HANG_S + 1)

    assert 1 == bench.n_hangs
    with pytest.raises(EngineHung, match="is being replaced"):
        await bench.batcher.submit("m", [encoding(1)], NOW)
    bench.batcher.shut("m")
    with pytest.raises(Unloaded):
        await bench.batcher.submit("m", [encoding(1)], NOW)


async def test_a_fresh_engine_takes_over(bench: Bench) -> None:
    await bench.hanging()
    bench.look(after_s=HANG_S + 1)

    bench.batcher.shut("m")
    bench.open(FakeEngine())

    assert 1 == len(await bench.batcher.submit("m", [encoding(1)], NOW))


async def test_what_comes_back_too_late_is_for_nobody(bench: Bench) -> None:
    task = await bench.hanging()
    bench.look(after_s=HANG_S + 1)

    bench.engine.release()
    while dict_of(bench.batcher)["hung_slots", ()]:
        bench.batcher.look()
        await asyncio.sleep(0)

    with pytest.raises(EngineHung):
        await task
    assert [] == bench.reports


async def test_a_slot_that_hangs_shows_in_metrics_and_explanation(bench: Bench) -> None:
    await bench.hanging()

    bench.look(after_s=HANG_S + 1)

    assert 1 == dict_of(bench.batcher)["hung_slots", ()]
    assert [False, True] == [slot.is_hung for slot in bench.batcher.explain().slots]


async def test_a_long_run_is_no_hang(bench: Bench) -> None:
    task = await bench.hanging()

    bench.look(after_s=HANG_S - 1)
    assert bench.batcher.is_alive
    bench.engine.release()

    assert 1 == len(await task)  # type: ignore[arg-type]  # what submit gives


async def test_a_leap_of_the_clock_is_no_hang(bench: Bench) -> None:
    """A process that was stopped finds that much time has passed: it must see it pass itself."""
    task = await bench.hanging()

    bench.clock.advance(10 * HANG_S)
    for _ in range(LOOKS - 1):
        bench.batcher.look()
    bench.engine.release()

    assert 1 == len(await task)  # type: ignore[arg-type]  # what submit gives


async def test_a_batcher_whose_engine_hangs_is_not_alive_until_the_slot_is_replaced(
    bench: Bench,
) -> None:
    await bench.hanging()
    bench.clock.advance(HANG_S + 1)

    before = bench.batcher.is_alive
    bench.look(after_s=0.0)

    assert (False, True) == (before, bench.batcher.is_alive)


async def test_a_hang_among_the_halves_of_a_poisoned_batch_loses_no_answer() -> None:
    """The halves that ran before it are answered, the others told; nobody waits for ever."""
    gate = threading.Event()
    bench = Bench()
    bench.engine = FakeEngine(hangs_on={HANGS}, poison={13}, gate=gate)
    bench.open()
    first = [13, *range(100, 110)]
    asked = [
        asyncio.create_task(bench.batcher.submit("m", [encoding(n)], NOW)) for n in [*first, HANGS]
    ]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.to_thread(bench.engine.hung.wait)

    bench.look(after_s=HANG_S + 1)

    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    bench.engine.release()
    bench.batcher.close()
    assert isinstance(outcomes[-1], EngineHung)
    assert all(isinstance(outcome, list | EngineFailed) for outcome in outcomes)


async def test_what_finds_memory_is_answered_and_the_limit_is_remembered() -> None:
    engine = FakeEngine(max_slots=64)
    batcher = Batcher()
    batcher.open(lane(engine))
    given = [encoding(*range(n, n + 30)) for n in range(80)]

    answers = await asyncio.gather(*[batcher.submit("m", [item], NOW) for item in given])

    batcher.close()
    for item, answer in zip(given, answers, strict=True):
        assert np.array_equal(fake_logits(item.ids), answer[0])
    too_large = {str(shape) for shape in ladder(128) if shape.n_slots > 64}
    assert len([shape for shape in engine.shapes if shape in too_large]) <= 5  # 1024, 512 ... 64


def dict_of(batcher: Batcher) -> dict[tuple[str, tuple[str, ...]], float]:
    return {(key, labels): value for key, labels, value in batcher.samples()}
