"""Which shapes there are."""

from __future__ import annotations

import pytest

from goldcrest.packing.ladder import ladder, n_picks
from goldcrest.values import Shape


def single_widths(max_length: int) -> list[int]:
    """The widths that come with no second row, and so are there for a single text."""
    shapes = ladder(max_length)
    several = {shape.width for shape in shapes if shape.rows > 1}
    return [shape.width for shape in shapes if shape.width not in several]


def test_single_rows_grow_by_quarters_while_they_are_short_then_by_halves():
    assert [16, 24, 32, 40, 48, 56, 80, 96, 112, 192, 384] == single_widths(512)


@pytest.mark.parametrize(
    ("max_length", "widths"),
    [
        pytest.param(8, [8], id="less than the shortest"),
        pytest.param(16, [16], id="the shortest"),
        pytest.param(100, [16, 24, 32, 40, 48, 56, 80, 96, 100], id="between two widths"),
        pytest.param(
            4096,
            [
                *(16, 24, 32, 40, 48, 56, 80, 96, 112, 192),
                *(384, 768, 1024, 1536, 2048, 3072, 4096),
            ],
            id="more than a grid's tokens",
        ),
    ],
)
def test_last_single_row_is_as_wide_as_the_longest_text(max_length: int, widths: list[int]):
    assert widths == single_widths(max_length)


def test_every_row_count_up_to_1024_tokens_is_there():
    several = [shape for shape in ladder(512) if shape.width in {64, 128, 256, 512}]

    expected = [
        Shape(rows, width)
        for width, most in ((64, 16), (128, 8), (256, 4), (512, 2))
        for rows in range(1, most + 1)
    ]
    assert expected == sorted(several, key=lambda shape: (shape.width, shape.rows))


def test_rows_are_no_wider_than_the_longest_text_needs():
    assert {64, 128} == {shape.width for shape in ladder(100) if shape.rows > 1}


def test_smallest_shapes_are_warmed_first():
    assert ["1x16", "1x24", "1x32", "1x40"] == [str(shape) for shape in ladder(512)[:4]]


def test_ladder_without_a_limit_is_refused():
    with pytest.raises(ValueError, match="max_length 0"):
        ladder(0)


def test_a_grid_that_picks_nothing_is_refused():
    with pytest.raises(ValueError, match="at least 1 state, not 0"):
        n_picks(0)
