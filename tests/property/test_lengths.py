"""What bounds on lengths must hold to, whatever the texts."""

from __future__ import annotations

from bisect import bisect_left

from hypothesis import given, settings
from hypothesis import strategies as st

from goldcrest.lengths.choices import advice, choices
from goldcrest.lengths.distribution import of_buckets, of_lengths
from goldcrest.lengths.result import BOUNDS

calm = settings(max_examples=60, deadline=None)

lengths = st.lists(st.one_of(st.integers(1, 60), st.integers(1, 4000)), min_size=1, max_size=60)
limits = st.one_of(st.sampled_from(BOUNDS), st.integers(1, 3000))


def counted(texts: list[int]) -> list[int]:
    counts = [0] * (len(BOUNDS) + 1)
    for length in texts:
        counts[bisect_left(BOUNDS, length)] += 1
    return counts


@calm
@given(lengths, limits)
def test_exact_figures_are_those_of_the_texts(texts, limit):
    found = of_lengths(texts)

    assert sum(length > limit for length in texts) == found.n_longer(limit).high
    assert sum(min(length, limit) for length in texts) == found.n_run(limit).high
    assert found.n_longer(limit).is_exact
    assert found.n_run(limit).is_exact


@calm
@given(lengths, limits)
def test_the_truth_lies_between_the_bounds_of_a_histogram(texts, limit):
    found, exact = of_buckets(BOUNDS, counted(texts), sum(texts)), of_lengths(texts)

    for of in ("n_longer", "n_run", "n_dropped"):
        bounds, truth = getattr(found, of)(limit), getattr(exact, of)(limit)
        assert bounds.low <= truth.high <= bounds.high
    assert found.quantile(1) >= max(texts)


@calm
@given(lengths)
def test_how_many_are_cut_at_a_bound_is_exact(texts):
    found = of_buckets(BOUNDS, counted(texts), sum(texts))

    assert all(found.n_longer(bound).is_exact for bound in BOUNDS)


@calm
@given(lengths)
def test_a_distribution_counts_into_its_own_buckets(texts):
    assert counted(texts) == of_lengths(texts).buckets(BOUNDS)
    assert counted(texts) == of_buckets(BOUNDS, counted(texts), sum(texts)).buckets(BOUNDS)


@calm
@given(lengths, st.floats(0.5, 1), st.sampled_from([64, 100, 512]))
def test_what_is_advised_keeps_what_was_asked_for(texts, keep, own):
    advised = advice(choices(of_lengths(texts), own), keep)

    kept = sum(length <= advised.max_length for length in texts) / len(texts)
    assert (kept >= keep - 1e-9) == advised.is_enough
