"""Replicas, memory and cost: plain arithmetic."""

from __future__ import annotations

import pytest

from goldcrest.loadtest.sizing import (
    Size,
    Wanted,
    cheapest,
    cost_per_million,
    memory_mib,
    sized,
    why,
)

TWO = Size(label="two", cores=2, resident_bytes=300 * 2**20, sustainable=100, price=0.17)
FOUR = Size(label="four", cores=4, resident_bytes=300 * 2**20, sustainable=230, price=0.34)


def test_peak_needs_its_replicas_and_the_spare_ones_beside_them():
    laid = sized(Wanted(rate=1000, peak=1.25, spare=1), TWO)

    assert 14 == laid.n_replicas
    assert 1000 / 14 == laid.rate_each
    assert 1250 / 13 == laid.worst_each <= TWO.sustainable


def test_rate_that_fits_exactly_needs_no_replica_more():
    assert 10 == sized(Wanted(rate=1000, peak=1, spare=0), TWO).n_replicas


def test_smallest_load_still_needs_a_replica_and_the_spare_one():
    assert 2 == sized(Wanted(rate=0.1, spare=1), TWO).n_replicas


def test_cost_is_that_of_all_replicas_over_the_texts_of_an_hour():
    laid = sized(Wanted(rate=1000, peak=1, spare=0, texts_per_request=4), TWO)

    assert 1.7 == pytest.approx(laid.price)
    assert 1.7 / (4000 * 3600) * 1e6 == pytest.approx(laid.cost_per_million)


def test_cost_counts_the_mean_rate_of_the_day():
    assert 2 * cost_per_million(1.0, 100) == pytest.approx(cost_per_million(1.0, 50))


def test_memory_is_a_third_more_than_was_held_in_steps_of_64():
    assert 448 == memory_mib(300 * 2**20)
    assert 0 == memory_mib(0)


def test_cheapest_layout_wins_and_the_reason_names_the_others():
    options = [sized(Wanted(rate=1000, peak=1, spare=1), size) for size in (TWO, FOUR)]

    best = cheapest(options)

    assert "two" == best.size.label
    assert why(best, options, ["one"]) == (
        "11 replicas of 2 cores (two) at 1.87 an hour are the cheapest that keep the objective; "
        "the others: 6 replicas of 4 cores (four) at 2.04 an hour; one cannot keep the objective "
        "at all."
    )


def test_size_that_sustains_nothing_is_no_option():
    broken = Size(label="one", cores=1, resident_bytes=0, sustainable=0, price=0.1)
    with pytest.raises(ValueError, match="as in one keeps the objective at no rate"):
        sized(Wanted(rate=1), broken)
