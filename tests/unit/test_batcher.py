"""The batcher: every job answered once, whatever happens around it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from goldcrest.batching.batcher import Batcher
from goldcrest.batching.lane import Lane
from goldcrest.batching.policy import Policy
from goldcrest.errors import DeadlineExceeded, Draining, EngineFailed, Overloaded, Unloaded
from goldcrest.packing.cost import CostTable
from goldcrest.packing.ladder import ladder
from goldcrest.records import BatchReport
from goldcrest.testing import FakeEngine, ManualClock, fake_logits
from goldcrest.values import Arrays, Encoding, Grid, Outputs, Urgency

NOW = Urgency()


def lane(engine: FakeEngine, name: str = "m", costs: CostTable | None = None) -> Lane:
    return Lane(
        name,
        lambda grid: engine.run(grid)["logits"][: grid.n_jobs],
        ladder=ladder(128),
        costs=costs or CostTable(),
        objective_s=1.0,
        n_first=2,
    )


def encoding(*ids: int) -> Encoding:
    return Encoding(np.array(ids, np.int32))


def encodings(n: int, seed: int = 0) -> list[Encoding]:
    rng = np.random.default_rng(seed)
    return [
        Encoding(rng.integers(1, 30_000, rng.integers(1, 129)).astype(np.int32)) for _ in range(n)
    ]


class Bench:
    """A batcher over fake engines, with its reports; a slot that has begun to warm the lane."""

    def __init__(self, engine: FakeEngine, **settings: object) -> None:
        self.reports: list[BatchReport] = []
        self.batcher = Batcher(report=self.reports.append, **settings)  # type: ignore[arg-type]  # settings of a test
        self.batcher.open(lane(engine))
        engine.entered.wait()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


async def test_answers_come_back_in_order_and_belong_to_their_own_tokens() -> None:
    bench, given = Bench(FakeEngine()), encodings(300)

    halves = await asyncio.gather(
        bench.batcher.submit("m", given[:150], NOW), bench.batcher.submit("m", given[150:], NOW)
    )

    bench.batcher.close()
    for item, answer in zip(given, [*halves[0], *halves[1]], strict=True):
        assert np.array_equal(fake_logits(item.ids), answer)
    assert sum(report.n_jobs for report in bench.reports) == 300


async def test_a_poisonous_item_fails_alone() -> None:
    engine = FakeEngine(poison={77})
    bench, given = Bench(engine), encodings(40)
    given[13] = encoding(5, 77, 6)

    outcomes = await asyncio.gather(
        *[bench.batcher.submit("m", [item], NOW) for item in given], return_exceptions=True
    )

    bench.batcher.close()
    assert [13] == [n for n, o in enumerate(outcomes) if isinstance(o, EngineFailed)]
    answered = [o for o in outcomes if not isinstance(o, BaseException)]
    assert len(answered) == 39


async def test_cancelled_jobs_never_reach_the_engine(gate: threading.Event) -> None:
    bench = Bench(FakeEngine(gate=gate))
    waiting = asyncio.ensure_future(bench.batcher.submit("m", encodings(4), NOW))
    await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert bench.batcher.n_jobs == 0
    gate.set()
    bench.batcher.close()
    assert [] == bench.reports


async def test_a_job_past_its_deadline_is_refused_and_never_runs(gate: threading.Event) -> None:
    clock = ManualClock()
    bench = Bench(FakeEngine(gate=gate), clock=clock)
    waiting = asyncio.ensure_future(
        bench.batcher.submit("m", encodings(1), Urgency(deadline_s=1.0))
    )
    await asyncio.sleep(0)

    clock.advance(2.0)
    gate.set()

    with pytest.raises(DeadlineExceeded, match=r"2\.000 s"):
        await waiting
    bench.batcher.close()
    assert [] == bench.reports


async def test_more_waiting_tokens_than_the_limit_are_refused_whole(gate: threading.Event) -> None:
    bench = Bench(FakeEngine(gate=gate), policy=Policy(limit_tokens=100))
    first = asyncio.ensure_future(bench.batcher.submit("m", [encoding(*range(1, 91))], NOW))
    await asyncio.sleep(0)

    with pytest.raises(Overloaded) as refusal:
        await bench.batcher.submit("m", [encoding(1), encoding(*range(1, 20))], NOW)

    assert refusal.value.retry_after_s >= 0
    assert bench.batcher.n_jobs == 1
    gate.set()
    assert len(await first) == 1
    bench.batcher.close()


async def test_closing_refuses_what_still_waits(gate: threading.Event) -> None:
    bench = Bench(FakeEngine(gate=gate))
    waiting = asyncio.ensure_future(bench.batcher.submit("m", encodings(2), NOW))
    await asyncio.sleep(0)

    closing = asyncio.to_thread(bench.batcher.close)
    opening = asyncio.get_running_loop().call_later(0.05, gate.set)
    await closing
    opening.cancel()

    with pytest.raises(Draining):
        await waiting
    with pytest.raises(Draining):
        await bench.batcher.submit("m", encodings(1), NOW)


async def test_urgent_jobs_of_one_lane_pass_waiting_ones_of_another(gate: threading.Event) -> None:
    slow, fast = FakeEngine(gate=gate), FakeEngine(gate=gate)
    reports: list[BatchReport] = []
    batcher = Batcher(report=reports.append)
    batcher.open(lane(slow, "slow"))
    batcher.open(lane(fast, "fast"))

    bulk = [asyncio.ensure_future(batcher.submit("slow", encodings(50), NOW))]
    await asyncio.sleep(0)
    urgent = asyncio.ensure_future(
        batcher.submit("fast", encodings(1), Urgency(priority="interactive"))
    )
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(urgent, *bulk)

    batcher.close()
    assert "fast" == reports[0].lane


async def test_what_runs_beside_waits_while_urgent_work_goes_before_other(
    gate: threading.Event,
) -> None:
    was_calm = list[bool]()
    engine = FakeEngine(
        gate=gate, spend=lambda _: was_calm.append(bench.batcher._desk.calm.is_set())
    )
    bench = Bench(engine)
    urgent, patient = Urgency("interactive"), Urgency("bulk")
    waiting = [
        asyncio.ensure_future(bench.batcher.submit("m", [encoding(*[1] * n)] * 9, urgency))
        for n, urgency in ((10, patient), (100, patient), (10, urgent))
    ]
    await asyncio.sleep(0)

    gate.set()
    await asyncio.gather(*waiting)

    bench.batcher.close()
    reasons = [report.reason for report in bench.reports]
    assert 0 < reasons.count("urgent") == was_calm.count(False)
    assert bench.batcher._desk.calm.is_set()


def test_a_thread_without_an_event_loop_is_answered_too() -> None:
    bench, given = Bench(FakeEngine()), encodings(5)

    answers = bench.batcher.submit_and_wait("m", given, NOW)

    bench.batcher.close()
    for item, answer in zip(given, answers, strict=True):
        assert np.array_equal(fake_logits(item.ids), answer)


async def test_only_shapes_of_the_ladder_run() -> None:
    engine = FakeEngine()
    bench = Bench(engine)

    for seed in range(5):
        await bench.batcher.submit("m", encodings(60, seed), NOW)

    bench.batcher.close()
    assert set(engine.shapes) <= {str(shape) for shape in ladder(128)}


async def test_under_constant_load_the_larger_shapes_are_warmed_by_work(
    gate: threading.Event,
) -> None:
    known = CostTable({shape: 0.001 + 1e-6 * shape.n_slots for shape in ladder(128)})
    reports: list[BatchReport] = []
    batcher = Batcher(report=reports.append)
    batcher.open(lane(FakeEngine(gate=gate), costs=known))

    waiting = asyncio.gather(*[batcher.submit("m", encodings(200, n), NOW) for n in range(4)])
    await asyncio.sleep(0)
    gate.set()
    await waiting

    batcher.close()
    assert max(report.shape.n_slots for report in reports) > 256


async def test_a_text_that_keeps_coming_never_waits_for_a_large_shape_to_warm() -> None:
    slow = CostTable({shape: 0.001 if shape.n_slots < 40 else 60.0 for shape in ladder(128)})
    engine = FakeEngine()
    batcher = Batcher()
    batcher.open(lane(engine, costs=slow))

    await batcher.submit("m", [encoding(1, 2, 3)], NOW)
    before = len(engine.shapes)
    for number in range(50):
        await batcher.submit("m", [encoding(1, 2, number)], NOW)

    batcher.close()
    # The shapes that make the lane ready may run between two texts, but not one more per pause.
    assert len(engine.shapes) - before < 60


class Faulty:
    """A head whose answers do not fit its grid, or a reader of reports that fails."""

    def __init__(self) -> None:
        self.is_faulty = False

    def run(self, grid: Grid) -> Outputs:
        n_rows = grid.n_jobs + 1 if self.is_faulty else grid.n_jobs
        return np.ones((n_rows, 2), np.float32)

    def report(self, _: BatchReport) -> None:
        raise KeyError("metrics")


async def test_a_fault_of_ours_fails_its_batch_and_no_other() -> None:
    faulty = Faulty()
    batcher = Batcher(report=faulty.report)
    batcher.open(
        Lane("m", faulty.run, ladder=ladder(128), costs=CostTable(), objective_s=1.0, n_first=2)
    )

    assert 1 == len(await batcher.submit("m", [encoding(1)], NOW))
    faulty.is_faulty = True
    with pytest.raises(EngineFailed, match="1 texts gave 2 answers"):
        await batcher.submit("m", [encoding(1)], NOW)
    faulty.is_faulty = False
    assert 1 == len(await batcher.submit("m", [encoding(1)], NOW))
    batcher.close()


async def test_an_engine_that_fails_on_everything_is_never_ready() -> None:
    engine = FakeEngine(poison={0})  # what warming runs on
    bench = lane(engine)
    batcher = Batcher()
    batcher.open(bench)

    with pytest.raises(EngineFailed):
        await batcher.submit("m", [encoding(0)], NOW)

    batcher.close()
    assert not bench.is_ready


def test_a_shape_that_always_fails_does_not_keep_the_others_from_being_ready() -> None:
    clock = ManualClock()

    def run(grid: Grid) -> Outputs:
        clock.advance(0.01)
        if grid.shape == ladder(128)[1]:
            raise RuntimeError("not this one")
        return np.ones((grid.n_jobs, 2), np.float32)

    three = ladder(128)[:3]
    wary = Lane("m", run, ladder=three, costs=CostTable(), objective_s=1.0, n_first=3)
    for _ in range(12):
        wary.warm_next(clock)

    assert wary.is_ready
    assert wary.is_warm


def test_one_noisy_run_does_not_overprice_a_shape_for_ever() -> None:
    clock = ManualClock()
    seconds = iter([9.0, 5.0, 0.002])  # compiling, then a burst of noise, then the truth

    def run(grid: Grid) -> Outputs:
        clock.advance(next(seconds))
        return np.ones((grid.n_jobs, 2), np.float32)

    alone = Lane("m", run, ladder=ladder(128)[:1], costs=CostTable(), objective_s=1.0, n_first=1)
    for _ in range(3):
        alone.warm_next(clock)

    assert alone.predicted_s(ladder(128)[0]) == pytest.approx(0.002)


async def test_an_answer_that_is_not_a_number_is_a_failure() -> None:
    batcher = Batcher()
    batcher.open(
        Lane(
            "m",
            lambda grid: np.where(grid.lengths[:, None] == 3, np.nan, 1.0).astype(np.float32),
            ladder=ladder(128),
            costs=CostTable(),
            objective_s=1.0,
            n_first=2,
        )
    )

    good = await batcher.submit("m", [encoding(1, 2)], NOW)
    with pytest.raises(EngineFailed, match="finite"):
        await batcher.submit("m", [encoding(1, 2, 3)], NOW)

    batcher.close()
    assert 1.0 == good[0][0]


def test_a_version_can_finish_while_the_answers_of_others_arrive() -> None:
    begun, go_on, answered = threading.Event(), threading.Event(), threading.Event()

    class Slow(FakeEngine):
        """Waits with the text of token 77."""

        def run(self, grid: Grid) -> Arrays:
            if 77 in grid.input_ids:
                begun.set()
                go_on.wait()
            return super().run(grid)

    class Other(str):
        """A name; to compare it with that of a waiting job takes until the job is answered."""

        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            go_on.set()
            answered.wait()
            return False

    bench = Bench(Slow())

    def ask() -> None:
        bench.batcher.submit_and_wait("m", [encoding(77)], NOW)
        answered.set()

    asking = threading.Thread(target=ask)
    asking.start()
    begun.wait()

    bench.batcher.finish(Other("n"))

    asking.join()
    bench.batcher.close()
    assert [1] == [report.n_jobs for report in bench.reports]


async def test_a_version_that_was_shut_says_so_rather_than_that_the_server_ends() -> None:
    bench = Bench(FakeEngine())
    bench.batcher.shut("m")

    with pytest.raises(Unloaded, match="'m' was taken out of service"):
        await bench.batcher.submit("m", encodings(1), NOW)

    bench.batcher.close()


async def test_every_decision_is_explained(gate: threading.Event) -> None:
    bench = Bench(FakeEngine(gate=gate))
    waiting = asyncio.gather(
        *[bench.batcher.submit("m", [item], NOW) for item in encodings(400)],
        bench.batcher.submit("m", [encoding(1, 2)], Urgency("interactive")),
    )
    await asyncio.sleep(0)
    before = bench.batcher.explain()
    gate.set()
    await waiting

    bench.batcher.close()
    after = bench.batcher.explain()
    assert {"interactive": 1, "default": 400, "bulk": 0} == before.lanes[0].waiting
    assert 2 == before.waiting_tokens["interactive"]
    assert tuple(bench.reports) == after.recent
    assert 401 == sum(report.n_jobs for report in after.recent)
    assert "interactive" in after.recent[0].priorities
    assert 401 - after.recent[0].n_jobs == after.recent[0].left_jobs
    assert after.recent[-1].reason in {"all", "lone"}
    assert after.lanes[0].engine_s == pytest.approx(sum(r.run_s for r in after.recent))


async def test_a_slot_without_work_shows_that_it_is_alive() -> None:
    bench = Bench(FakeEngine())

    before = bench.batcher.is_alive
    bench.batcher.close()

    assert (True, False) == (before, bench.batcher.is_alive)


async def test_figures_for_the_metrics_are_by_class(gate: threading.Event) -> None:
    bench = Bench(FakeEngine(gate=gate), policy=Policy(limit_tokens=16))
    waiting = asyncio.create_task(
        bench.batcher.submit("m", [encoding(*range(20))], Urgency("bulk"))
    )
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await bench.batcher.submit("m", [encoding(1)], Urgency("bulk"))

    figures = {(key, labels): value for key, labels, value in bench.batcher.samples()}

    gate.set()
    await waiting
    bench.batcher.close()
    assert 20 == figures["waiting_tokens", ("bulk",)]
    assert 0 == figures["waiting_tokens", ("interactive",)]
    assert 1 == figures["refusals", ("tokens", "bulk")]


async def test_who_leaves_while_the_batcher_closes_hears_only_that_he_left(
    gate: threading.Event,
) -> None:
    bench = Bench(FakeEngine(gate=gate))
    waiting = asyncio.ensure_future(bench.batcher.submit("m", encodings(2), NOW))
    await asyncio.sleep(0)

    gate.set()
    bench.batcher.close()  # its refusal reaches this loop in the next turn
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_what_is_left_of_a_request_that_failed_never_reaches_the_engine(
    gate: threading.Event,
) -> None:
    engine = FakeEngine(gate=gate, poison={77})
    bench = Bench(engine)
    given = [encoding(77), *[encoding(*range(1, 129)) for _ in range(40)]]
    waiting = asyncio.ensure_future(bench.batcher.submit("m", given, NOW))
    await asyncio.sleep(0)

    gate.set()
    with pytest.raises(EngineFailed):
        await waiting

    assert bench.batcher.n_jobs == 0
    bench.batcher.close()


async def test_a_fault_in_what_one_version_chooses_hurts_no_other(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FakeEngine(gate=gate)
    bench, faulty = Bench(engine), lane(engine, "faulty")
    monkeypatch.setattr(faulty, "choose", lambda *_, **__: 1 / 0)
    bench.batcher.open(faulty)
    lost = asyncio.ensure_future(bench.batcher.submit("faulty", encodings(2), NOW))
    spared = asyncio.ensure_future(bench.batcher.submit("m", encodings(2), NOW))
    await asyncio.sleep(0)

    gate.set()

    with pytest.raises(EngineFailed, match="could not be run"):
        await lost
    assert 2 == len(await spared)
    bench.batcher.close()
