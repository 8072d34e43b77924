"""How a plan becomes arrays."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from goldcrest.packing.grid import fill
from goldcrest.values import Encoding, Grid, Plan, Shape


def encoding(*ids: int, token_types: list[int] | None = None) -> Encoding:
    types = None if token_types is None else np.array(token_types, np.int32)
    return Encoding(np.array(ids, np.int32), token_types=types)


@pytest.fixture
def grid() -> Grid:
    """The second and first of three texts in one row, the third in the next; a third row empty."""
    texts = [encoding(11, 12), encoding(21, 22, 23, token_types=[0, 1, 1]), encoding(31)]
    return fill(Plan(Shape(3, 6), ((1, 0), (2,))), texts)


def test_texts_of_a_row_stand_side_by_side(grid: Grid):
    expected = [[21, 22, 23, 11, 12, 0], [31, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]]
    assert expected == grid.input_ids.tolist()


def test_positions_restart_with_every_text(grid: Grid):
    assert [[0, 1, 2, 0, 1, 0], [0] * 6, [0] * 6] == grid.positions.tolist()


def test_owners_count_in_the_order_of_the_plan(grid: Grid):
    expected = [[0, 0, 0, 1, 1, -1], [2, -1, -1, -1, -1, -1], [-1] * 6]
    assert expected == grid.owners.tolist()


def test_token_types_are_0_where_a_text_has_none(grid: Grid):
    assert [[0, 1, 1, 0, 0, 0], [0] * 6, [0] * 6] == grid.token_types.tolist()


def test_first_tokens_are_picked_and_picks_padded_to_a_power_of_two(grid: Grid):
    assert [0, 3, 6, 0] == grid.picks.tolist()
    assert [0, 3, 6] == grid.starts.tolist()
    assert [3, 2, 1] == grid.lengths.tolist()


def test_a_text_that_picks_its_own_states_gets_those_and_the_others_their_first():
    picking = dataclasses.replace(encoding(21, 22, 23), picks=np.array([1, 2], np.int32))

    grid = fill(Plan(Shape(1, 8), ((0, 1),)), [encoding(11, 12), picking])

    assert [0, 3, 4, 0] == grid.picks.tolist()
    assert [0, 2] == grid.pick_counts.tolist()


def test_every_array_is_int32(grid: Grid):
    arrays = [getattr(grid, field.name) for field in dataclasses.fields(grid)]
    assert {np.dtype(np.int32)} == {array.dtype for array in arrays}


def test_row_that_holds_too_much_is_refused():
    with pytest.raises(ValueError, match="row 0 of the plan holds 5 tokens, more than the width"):
        fill(Plan(Shape(2, 4), ((0, 1),)), [encoding(1, 2, 3), encoding(4, 5)])
