"""What every plan and every grid must hold to, whatever waits and whatever is warm."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import strategies as our

from goldcrest.packing.cost import CostTable
from goldcrest.packing.grid import Buffers, fill
from goldcrest.packing.ladder import MAX_JOBS, ladder, n_picks
from goldcrest.packing.plan import NoShape, plan
from goldcrest.values import Encoding, Grid, Plan, Shape

Backlog = tuple[list[int], dict[Shape, float]]


def rate(planned: Plan, backlog: Backlog) -> float:
    lengths, costs = backlog
    return sum(lengths[index] for index in planned.chosen) / costs[planned.shape]


def n_rows_longest_first(lengths: list[int], width: int) -> int:
    """Rows that first-fit-decreasing needs: the yardstick, written anew."""
    rooms: list[int] = []
    for n_tokens in sorted(lengths, reverse=True):
        row = next((row for row, room in enumerate(rooms) if n_tokens <= room), None)
        if row is None:
            rooms.append(width - n_tokens)
        else:
            rooms[row] -= n_tokens
    return len(rooms)


@given(our.backlogs(), our.seconds)
def test_most_urgent_job_is_always_chosen(backlog: Backlog, objective_s: float):
    assert 0 in plan(*backlog, objective_s=objective_s).chosen


@given(our.backlogs(), our.seconds, st.data())
def test_plan_is_sound(backlog: Backlog, objective_s: float, data: st.DataObject):
    """A warm shape, its rows not overfull, no job twice, not too many."""
    lengths, costs = backlog
    n_urgent = data.draw(st.integers(1, len(lengths)))

    planned = plan(lengths, costs, objective_s=objective_s, n_urgent=n_urgent)

    assert planned.shape in costs
    assert 1 <= len(planned.rows) <= planned.shape.rows
    assert all(0 < sum(lengths[job] for job in row) <= planned.shape.width for row in planned.rows)
    assert len(set(planned.chosen)) == len(planned.chosen) <= MAX_JOBS


@given(our.backlogs(), our.seconds)
def test_rows_are_never_more_than_first_fit_decreasing_needs(backlog: Backlog, objective_s: float):
    lengths, costs = backlog

    planned = plan(lengths, costs, objective_s=objective_s)

    chosen = [lengths[index] for index in planned.chosen]
    assert len(planned.rows) <= n_rows_longest_first(chosen, planned.shape.width)


@given(our.backlogs(), our.seconds)
def test_objective_is_kept_where_a_shape_within_it_holds_the_most_urgent(
    backlog: Backlog, objective_s: float
):
    lengths, costs = backlog
    cheapest = min(cost for shape, cost in costs.items() if shape.width >= lengths[0])

    planned = plan(lengths, costs, objective_s=objective_s)

    assert costs[planned.shape] <= max(objective_s, cheapest)


@given(our.backlogs(), our.seconds, st.floats(0.5, 1.0))
def test_rate_reaches_the_share_of_what_any_one_shape_would_give(
    backlog: Backlog, objective_s: float, share: float
):
    lengths, costs = backlog
    within = {
        shape: cost
        for shape, cost in costs.items()
        if cost <= objective_s and shape.width >= lengths[0]
    }
    alone = [plan(lengths, {shape: costs[shape]}, objective_s=1.0) for shape in within]

    planned = plan(lengths, costs, objective_s=objective_s, share=share)

    best = max((rate(other, backlog) for other in alone), default=0.0)
    assert rate(planned, backlog) >= share * best * (1 - 1e-9)


@given(our.backlogs(), our.seconds, st.data())
def test_jobs_that_are_not_urgent_cost_nothing_and_never_push_out_who_is(
    backlog: Backlog, objective_s: float, data: st.DataObject
):
    lengths, costs = backlog
    n_urgent = data.draw(st.integers(1, len(lengths)))

    planned = plan(lengths, costs, objective_s=objective_s, n_urgent=n_urgent)

    alone = plan(lengths[:n_urgent], costs, objective_s=objective_s)
    assert alone.shape == planned.shape
    assert set(alone.chosen) <= set(planned.chosen)


@given(our.backlogs(), our.seconds, st.data())
def test_room_that_urgent_jobs_leave_is_filled(
    backlog: Backlog, objective_s: float, data: st.DataObject
):
    lengths, costs = backlog
    n_urgent = data.draw(st.integers(1, len(lengths)))

    planned = plan(lengths, costs, objective_s=objective_s, n_urgent=n_urgent)

    rows = [*planned.rows, *[()] * (planned.shape.rows - len(planned.rows))]
    rooms = [planned.shape.width - sum(lengths[job] for job in row) for row in rows]
    left = [lengths[index] for index in range(len(lengths)) if index not in planned.chosen]
    if n_urgent < len(lengths) and len(planned.chosen) < MAX_JOBS:
        assert max(rooms) < min(left, default=10_000)


@given(st.integers(1, 512), our.costs(), our.seconds)
def test_lone_text_runs_in_the_cheapest_shape_that_holds_it_or_in_none(
    n_tokens: int, costs: dict[Shape, float], objective_s: float
):
    holding = [cost for shape, cost in costs.items() if shape.width >= n_tokens]
    if holding:
        assert min(holding) == costs[plan([n_tokens], costs, objective_s=objective_s).shape]
    else:
        with pytest.raises(NoShape):
            plan([n_tokens], costs, objective_s=objective_s)


@given(st.lists(our.encodings(), min_size=1, max_size=40))
def test_grid_gives_every_encoding_back(encodings: list[Encoding]):
    costs = {shape: float(shape.n_slots) for shape in our.SHAPES}
    planned = plan([encoding.n_tokens for encoding in encodings], costs, objective_s=2000.0)

    grid = fill(planned, encodings)

    for owner, index in enumerate(planned.chosen):
        slots = np.flatnonzero(grid.owners == owner)
        first, n_tokens = grid.starts[owner], encodings[index].n_tokens
        types = encodings[index].token_types
        assert grid.lengths[owner] == n_tokens
        assert list(range(first, first + n_tokens)) == slots.tolist()
        assert list(range(n_tokens)) == grid.positions.flat[slots].tolist()
        assert encodings[index].ids.tolist() == grid.input_ids.flat[slots].tolist()
        assert np.array_equal(0 * slots if types is None else types, grid.token_types.flat[slots])


@given(st.lists(st.lists(our.encodings(), min_size=1, max_size=9), min_size=2, max_size=5))
def test_a_grid_in_arrays_that_were_used_before_is_the_same(batches: list[list[Encoding]]):
    costs = {shape: float(shape.n_slots) for shape in our.SHAPES if shape.width == 512}
    buffers = Buffers()

    for encodings in batches:
        planned = plan([encoding.n_tokens for encoding in encodings], costs, objective_s=2000.0)
        fresh, used = fill(planned, encodings), fill(planned, encodings, buffers)
        for field in dataclasses.fields(Grid):
            assert np.array_equal(getattr(fresh, field.name), getattr(used, field.name))


@given(st.lists(our.encodings(), min_size=1, max_size=40))
def test_slots_of_nobody_are_empty(encodings: list[Encoding]):
    costs = {shape: float(shape.n_slots) for shape in our.SHAPES}
    planned = plan([encoding.n_tokens for encoding in encodings], costs, objective_s=2000.0)

    grid = fill(planned, encodings)

    nobody = grid.owners == -1
    assert planned.shape.n_slots - grid.n_tokens == nobody.sum()
    assert not grid.input_ids[nobody].any()
    assert not grid.positions[nobody].any()


@given(st.integers(1, 5000), st.integers(1, 2048))
def test_ladder_holds_every_length_up_to_the_limit(max_length: int, max_tokens: int):
    shapes = ladder(max_length, max_tokens=max_tokens)

    assert max_length in {shape.width for shape in shapes if shape.rows == 1}
    assert all(shape.n_slots <= max(max_tokens, max_length) for shape in shapes)
    assert sorted(set(shapes), key=lambda shape: (shape.n_slots, shape.rows)) == list(shapes)


@given(st.integers(1, MAX_JOBS))
def test_picks_are_the_next_power_of_two(n_jobs: int):
    picks = n_picks(n_jobs)

    assert n_jobs <= picks < 2 * n_jobs
    assert picks.bit_count() == 1


@given(our.costs())
def test_cost_table_survives_being_written(costs: dict[Shape, float]):
    table = CostTable.from_json(CostTable(costs).to_json())

    assert costs == table.costs(costs)


@given(our.costs(), st.sampled_from(our.SHAPES))
def test_estimate_stays_between_what_was_measured(costs: dict[Shape, float], shape: Shape):
    """Above the largest grid the price per slot stays, so it may leave the range there."""
    estimate = CostTable(costs).seconds(shape)

    assert estimate is not None
    assert min(costs.values()) * (1 - 1e-9) <= estimate
    if shape.n_slots <= max(known.n_slots for known in costs):
        assert estimate <= max(costs.values()) * (1 + 1e-9)
