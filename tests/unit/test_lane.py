"""Which grid a lane runs next, and what it learns from those it ran."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from goldcrest.batching.choice import Choice, Offer
from goldcrest.batching.lane import Lane
from goldcrest.errors import EngineFailed
from goldcrest.names import Priority
from goldcrest.packing.cost import CostTable
from goldcrest.packing.ladder import ladder
from goldcrest.testing import FakeEngine, ManualClock
from goldcrest.values import Encoding, Grid, Job, Outputs, Shape

LADDER = ladder(128, max_tokens=512)


def cost_s(shape: Shape) -> float:
    """2 ms and 40 us for a token: the whole ladder takes between 2.6 and 22.5 ms."""
    return 0.002 + 4e-5 * shape.n_slots


class Bench:
    """A lane that is warm, and an engine whose runs take what the clock is told."""

    def __init__(self, *, max_slots: int | None = None) -> None:
        self.clock, self.slowness = ManualClock(), 1.0
        self.engine = FakeEngine(max_slots=max_slots, spend=self.spend)
        self.lane = Lane(
            "m",
            self.run,
            ladder=LADDER,
            costs=CostTable({shape: cost_s(shape) for shape in LADDER}),
            objective_s=0.05,
            n_first=2,
        )
        while not self.lane.is_warm:
            self.lane.warm_next(self.clock)

    def spend(self, shape: Shape) -> None:
        self.clock.advance(self.slowness * cost_s(shape))

    def run(self, grid: Grid) -> Outputs:
        return self.engine.run(grid)["logits"]

    def choose(
        self, jobs: list[Job], *, longest_s: float | None = None, is_crowded: bool = False
    ) -> Choice:
        return self.lane.choose(Offer.of("m", jobs, longest_s=longest_s), is_crowded=is_crowded)

    def observe(self, shape: Shape, slowness: float) -> None:
        self.lane.observe(shape, slowness * cost_s(shape))


def job(n_tokens: int, priority: Priority = "default") -> Job:
    return Job(Encoding(np.ones(n_tokens, np.int32)), "m", 0.0, 0.0, None, priority)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_lone_urgent_text_decides_the_shape_and_bulk_fills_it(bench: Bench):
    choice = bench.choose([job(36, "interactive"), job(4, "bulk"), job(80, "bulk")])

    assert ("urgent", Shape(1, 40)) == (choice.reason, choice.plan.shape)
    assert 2 == len(choice.plan.chosen)
    assert choice.predicted_s == pytest.approx(cost_s(Shape(1, 40)))


def test_a_grid_takes_no_longer_than_it_is_told(bench: Bench):
    choice = bench.choose([job(64)] * 100, longest_s=0.010)

    assert "objective" == choice.reason
    assert choice.predicted_s <= choice.objective_s == 0.010


def test_where_nothing_holds_the_first_job_in_that_time_it_takes_the_cheapest_shape(bench: Bench):
    choice = bench.choose([job(128), *[job(64)] * 100], longest_s=0.005)

    assert Shape(1, 128) == choice.plan.shape
    assert choice.predicted_s > 0.005


def test_a_time_that_is_promised_leaves_room_for_the_runs_that_take_longer(bench: Bench):
    def run(number: int, factor: float, *, is_crowded: bool = False) -> float:
        choice = bench.choose([job(64)] * 100, longest_s=0.010, is_crowded=is_crowded)
        seconds = cost_s(choice.plan.shape) * (factor if number % 4 == 0 else 1.0)
        bench.lane.observe(choice.plan.shape, seconds)
        return seconds

    even = [run(number, 1.0) for number in range(1200)]
    uneven = [run(number, 1.5, is_crowded=True) for number in range(1200)]

    assert cost_s(Shape(2, 64)) == even[0]
    assert cost_s(Shape(3, 64)) == even[-1] <= 0.010
    assert sum(seconds > 0.010 for seconds in uneven[400:]) < 12
    assert run(0, 1.0) == even[-1]
    assert bench.choose([job(64)] * 100).predicted_s == pytest.approx(
        bench.lane.predicted_s(bench.choose([job(64)] * 100).plan.shape)
    )


def test_when_runs_take_half_as_long_again_so_do_all_predictions_after_a_few(bench: Bench):
    for _ in range(3):
        bench.observe(Shape(1, 64), 1.5)

    for shape in LADDER:
        assert bench.lane.predicted_s(shape) == pytest.approx(1.5 * cost_s(shape), rel=0.03)


def test_predictions_come_back_with_the_machine(bench: Bench):
    for slowness in (1.5, 1.5, 1.5, 1.0, 1.0, 1.0):
        bench.observe(Shape(1, 64), slowness)

    assert bench.lane.predicted_s(Shape(4, 64)) == pytest.approx(cost_s(Shape(4, 64)), rel=0.02)


def test_one_run_that_was_interrupted_changes_no_prediction_of_other_shapes(bench: Bench):
    bench.observe(Shape(1, 64), 30.0)

    assert bench.lane.predicted_s(Shape(4, 64)) == pytest.approx(cost_s(Shape(4, 64)))


def test_where_much_time_passes_between_grids_they_are_larger(bench: Bench):
    jobs = [job(64)] * 100
    before = bench.choose(jobs).plan.shape

    for _ in range(100):
        bench.lane.gaps.ran("default", pause_s=0.002, run_s=0.01)

    assert before.n_slots < bench.choose(jobs).plan.shape.n_slots


def test_a_shape_that_came_to_look_dear_is_tried_again_after_a_while(bench: Bench):
    dear, usual = Shape(3, 64), Shape(1, 64)
    for number in range(240):  # the machine itself is as it was: the others take what they take
        bench.observe(dear, 1.5 if number % 3 == 0 else 1.0)
        bench.observe(usual, 1.0)
    before = bench.lane.predicted_s(dear)

    for _ in range(600):
        bench.observe(usual, 1.0)

    assert before > 1.05 * cost_s(dear)
    assert bench.lane.predicted_s(dear) == pytest.approx(cost_s(dear), rel=0.01)


def test_a_slow_machine_is_not_written_down(bench: Bench):
    for _ in range(100):
        bench.observe(Shape(1, 64), 1.5)

    assert bench.lane.costs.seconds(Shape(1, 64)) == pytest.approx(cost_s(Shape(1, 64)), rel=0.1)


def test_grids_are_smaller_on_a_slow_machine(bench: Bench):
    before = bench.choose([job(64)] * 100, longest_s=0.02).plan.shape

    for _ in range(3):
        bench.observe(Shape(1, 64), 1.5)

    choice = bench.choose([job(64)] * 100, longest_s=0.02)
    assert choice.plan.shape.n_slots < before.n_slots
    assert choice.predicted_s <= 0.02


def test_what_waits_is_priced_as_the_grids_that_run_under_load_are_packed(bench: Bench):
    full = bench.lane.seconds_per_token

    for _ in range(50):
        bench.lane.packed(Shape(4, 64), 128)

    assert bench.lane.seconds_per_token == pytest.approx(cost_s(Shape(4, 64)) / 128)
    assert bench.lane.seconds_per_token > full


def test_a_grid_without_memory_is_halved_for_good_and_said_once(
    caplog: pytest.LogCaptureFixture,
):
    bench = Bench()
    bench.engine.max_slots = 100
    grids = [
        Grid(*[np.zeros((rows, 64), np.int32)] * 6, *[np.zeros(1, np.int32)] * 2)
        for rows in (4, 4, 2)
    ]

    with caplog.at_level(logging.ERROR):
        for grid in grids:
            with pytest.raises(EngineFailed):
                bench.lane.run(grid)

    assert [
        "m: no memory for a grid of 4x64; from now on grids have at most 128 slots",
        "m: no memory for a grid of 2x64; from now on grids have at most 64 slots",
    ] == caplog.messages
    assert bench.choose([job(16)] * 100).plan.shape.n_slots <= 64


def test_shrinking_halves_the_largest_grid_and_restoring_warms_it_again(bench: Bench):
    bench.lane.shrink()
    shrunk = bench.choose([job(64)] * 100).plan.shape

    bench.lane.restore()
    while not bench.lane.is_warm:
        bench.lane.warm_next(bench.clock)

    assert 256 == shrunk.n_slots
    assert 256 < bench.choose([job(64)] * 100).plan.shape.n_slots


def test_a_lane_that_shrinks_again_and_again_still_answers_its_longest_text(bench: Bench):
    for _ in range(20):
        bench.lane.shrink()

    assert bench.lane.is_ready
    assert ("cold", Shape(1, 128)) == (
        (choice := bench.choose([job(128)])).reason,
        choice.plan.shape,
    )


def test_restoring_does_not_forget_that_memory_ran_out():
    bench = Bench()
    bench.engine.max_slots = 255
    with pytest.raises(EngineFailed):
        bench.lane.run(Grid(*[np.zeros((4, 64), np.int32)] * 6, *[np.zeros(1, np.int32)] * 2))

    bench.lane.shrink()
    bench.lane.restore()
    while not bench.lane.is_warm:
        bench.lane.warm_next(bench.clock)

    assert 128 == bench.choose([job(64)] * 100).plan.shape.n_slots


def test_what_an_engine_that_hung_gives_later_is_not_believed(bench: Bench):
    bench.lane.shrink()
    bench.lane.restore()
    before = bench.lane.costs.to_json()
    bench.slowness = 1e6
    bench.lane.abandon()

    for _ in range(4):
        bench.lane.warm_next(bench.clock)

    assert before == bench.lane.costs.to_json()
