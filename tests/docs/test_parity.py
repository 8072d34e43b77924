"""What may be missing from a measurement of parity, and what may not."""

import pytest
from docs.parity import BARS, completed, problems

KEPT = {
    "bert/embed/f32": 1e-6,
    "bert/embed/int8": 0.1,
    "bert/embed/bf16": 0.01,
    "bert/span/bf16": 0.02,
}


def without(*keys: str) -> dict[str, float]:
    return {key: figure for key, figure in KEPT.items() if key not in keys}


def test_the_same_rows_within_their_bars_are_no_problem():
    assert [] == list(problems(KEPT, KEPT))


def test_a_processor_without_bf16_may_miss_all_of_its_rows():
    assert [] == list(problems(without("bert/embed/bf16", "bert/span/bf16"), KEPT))


@pytest.mark.parametrize("key", KEPT)
def test_no_other_row_may_be_missing(key):
    assert [f"{key} is in the docs, but no test measures it"] == list(problems(without(key), KEPT))


@pytest.mark.parametrize("key", KEPT)
def test_a_row_that_the_docs_lack_is_a_problem(key):
    assert [f"{key} is measured, but not in the docs"] == list(problems(KEPT, without(key)))


@pytest.mark.parametrize("precision", BARS)
def test_a_row_above_its_bar_is_a_problem(precision):
    bar = BARS[precision]
    rows = KEPT | {f"bert/embed/{precision}": 2 * bar}

    said = f"bert/embed/{precision} differs by {2 * bar:.2g}, more than {bar:g}"
    assert [said] == list(problems(rows, KEPT))


@pytest.mark.parametrize("precision", BARS)
def test_a_figure_that_is_no_number_is_a_problem(precision):
    assert 1 == len(list(problems(KEPT | {f"bert/embed/{precision}": float("nan")}, KEPT)))


def test_taking_over_a_measurement_without_bf16_keeps_the_rows_there_are():
    measured = without("bert/embed/bf16", "bert/span/bf16") | {"bert/embed/int8": 0.2}

    assert KEPT | {"bert/embed/int8": 0.2} == completed(measured, KEPT)
