"""What holds for any latencies, arrivals, texts and searches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldcrest.loadtest import search
from goldcrest.loadtest.arrivals import Curve, Spike, even, poisson, ramp, with_spike
from goldcrest.loadtest.profiles import builtin
from goldcrest.loadtest.statistics import (
    GROWTH,
    histogram,
    histogram_mean,
    histogram_quantile,
    merged,
    quantile,
    quantiles,
)
from goldcrest.loadtest.texts import Texts

latencies = st.lists(st.floats(0.02, 1e6), min_size=1, max_size=200).map(np.array)
shares = st.floats(0.001, 1)
rates = st.floats(0.5, 200)


@given(latencies, shares)
def test_a_quantile_is_one_of_the_values_and_has_its_share_at_or_below_it(
    values: np.ndarray, share: float
) -> None:
    found = quantile(np.sort(values), share)

    assert found in values
    assert (values <= found).mean() >= share - 1e-9
    assert (values < found).mean() < share + 1e-9


@given(latencies)
def test_quantiles_ascend(values: np.ndarray) -> None:
    found = quantiles(values)

    ordered = [found.p50, found.p90, found.p95, found.p99, found.p99_9, found.max]
    assert sorted(ordered) == ordered
    assert (len(values), values.max()) == (found.n, found.max)


@given(latencies, shares)
def test_a_histogram_tells_quantiles_and_mean_to_within_a_bucket(
    values: np.ndarray, share: float
) -> None:
    counted = histogram(values)

    exact = quantile(np.sort(values), share)
    assert exact / GROWTH <= histogram_quantile(counted, share) <= exact * GROWTH
    assert values.mean() == pytest.approx(histogram_mean(counted), rel=GROWTH - 1)


@given(latencies, latencies)
def test_histograms_of_parts_add_up_to_that_of_the_whole(one: np.ndarray, two: np.ndarray) -> None:
    whole = histogram(np.concatenate([one, two]))

    assert whole.counts == merged([histogram(one), histogram(two)]).counts


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    seconds = draw(st.floats(0.5, 30))
    if draw(st.booleans()):
        return ramp(draw(rates), draw(rates), seconds)
    return with_spike(draw(rates), seconds, Spike(draw(st.floats(0.1, 9)), draw(st.floats(0, 40))))


@given(curves(), st.integers(0, 2**32))
def test_arrivals_come_in_order_within_the_curve_and_about_as_many_as_expected(
    curve: Curve, seed: int
) -> None:
    expected = curve.cumulative()[1][-1]

    drawn = poisson(curve, np.random.default_rng(seed))

    assert (np.diff(drawn) >= 0).all()
    assert not len(drawn) or (drawn[0] >= 0 and drawn[-1] <= curve.seconds)
    assert abs(len(drawn) - expected) <= 8 * np.sqrt(expected) + 8


@given(curves(), st.integers(1, 5))
def test_even_arrivals_shared_out_are_those_of_one_process(curve: Curve, n: int) -> None:
    shared = [even(curve, part=part, n_parts=n) for part in range(n)]

    assert np.sort(np.concatenate(shared)) == pytest.approx(even(curve))


@given(st.sampled_from(sorted(builtin())), st.integers(0, 2**32))
def test_made_texts_are_of_their_lengths_and_none_comes_twice_in_any_part(
    name: str, seed: int
) -> None:
    parts = [Texts(builtin()[name], seed=seed, part=part, n_parts=2) for part in range(2)]

    made = [text for part in parts for text in (part.take() for _ in range(40))]

    assert len({one.text for one in made}) == len(made)
    assert all(len(one.text.split()) + 2 >= one.n_tokens for one in made)


@given(
    capacity=st.floats(2, 5000),
    first=st.floats(0.02, 50),
    noise=st.lists(st.floats(0.9, 1.1), min_size=40, max_size=40),
    steps=st.integers(1, 40),
)
def test_a_search_ends_and_its_answer_held_whatever_the_noise(
    capacity: float, first: float, noise: list[float], steps: int
) -> None:
    tried: list[search.Tried] = []
    while chosen := search.next_step(tried, first=capacity * first, steps_left=steps - len(tried)):
        excess = (chosen.rate / capacity) ** 4 * noise[len(tried)]
        tried.append(search.Tried(chosen.rate, excess))

    found = search.found(tried)
    held = {one.rate for one in tried if one.held}
    assert len(tried) <= steps
    assert found.rate in held or found.rate == 0
    assert found.broke_at is None or found.rate < found.broke_at
    assert 0 <= found.sureness < 1
