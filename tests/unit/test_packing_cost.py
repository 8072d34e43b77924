"""What a grid is expected to take."""

from __future__ import annotations

from typing import Any

import pytest

from goldcrest.packing.cost import CostTable
from goldcrest.values import Shape

SMALL, MIDDLE, LARGE = Shape(1, 64), Shape(2, 64), Shape(4, 64)


def test_nothing_is_known_before_the_first_measurement():
    assert CostTable().seconds(SMALL) is None


def test_first_observation_is_taken_as_it_is():
    table = CostTable()

    table.observe(SMALL, 0.005)

    assert 0.005 == table.seconds(SMALL)
    assert {SMALL} == table.measured


@pytest.mark.parametrize(
    ("shape", "seconds"),
    [
        pytest.param(Shape(1, 16), 0.004, id="below all: as the smallest"),
        pytest.param(MIDDLE, 0.006, id="between two: in proportion"),
        pytest.param(Shape(1, 256), 0.010, id="as many slots as one: the same"),
        pytest.param(Shape(8, 64), 0.020, id="above all: the same per slot"),
    ],
)
def test_shape_not_yet_run_is_estimated_by_its_slots(shape: Shape, seconds: float):
    table = CostTable({SMALL: 0.004, LARGE: 0.010})

    assert seconds == pytest.approx(table.seconds(shape))


def test_one_interrupted_run_hardly_shifts_the_figure():
    table = CostTable({SMALL: 0.005})

    table.observe(SMALL, 60.0)

    assert 0.005 == pytest.approx(table.seconds(SMALL), rel=0.08)


def test_lasting_change_is_learnt():
    table = CostTable({SMALL: 0.005})

    for _ in range(60):
        table.observe(SMALL, 0.020)

    assert 0.020 == pytest.approx(table.seconds(SMALL), rel=0.05)


def test_run_that_took_no_time_is_refused():
    with pytest.raises(ValueError, match="not 0"):
        CostTable().observe(SMALL, 0)


def test_table_is_written_by_the_names_of_shapes():
    assert {"1x64": 0.004, "4x64": 0.01} == CostTable({LARGE: 0.01, SMALL: 0.004}).to_json()


def test_shapes_of_which_nothing_is_known_are_left_out():
    assert {} == CostTable().costs([SMALL, LARGE])


@pytest.mark.parametrize(
    "table",
    [
        pytest.param({"64": 0.1}, id="no rows"),
        pytest.param({"0x64": 0.1}, id="empty shape"),
        pytest.param({"1x64": 0}, id="no time"),
        pytest.param({"1x64": "fast"}, id="no number"),
        pytest.param({"1x64": float("nan")}, id="not a number"),
    ],
)
def test_broken_table_is_refused(table: dict[str, Any]):
    with pytest.raises(ValueError, match="in a cost table is not"):
        CostTable.from_json(table)
