"""Thresholds of cascades: what must hold whatever models are sure of."""

from __future__ import annotations

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldcrest.optimize.cascade import NEVER, Measured, bound, fit, point

drops = st.floats(0.05, 20)
few = hypothesis.settings(max_examples=25, deadline=None)
"""Each fit tries thousands of thresholds."""


@st.composite
def several(draw: st.DrawFn, n_members: int | None = None) -> list[Measured]:
    """Two or three models on the same rows: the better a model, the longer it takes."""
    n_rows = draw(st.integers(1, 400))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = n_members or draw(st.integers(2, 3))
    return [
        Measured(
            f"model {place}",
            rng.beta(3, 1, n_rows).astype(np.float32),
            rng.random(n_rows) < 0.6 + 0.1 * place,
            rng.uniform(0.5, 1.5, n_rows) * 4**place,
        )
        for place in range(n)
    ]


@few
@given(several(), drops)
def test_on_the_rows_for_fitting_no_more_is_lost_than_may_be(
    members: list[Measured], limit: float
) -> None:
    chosen = fit(members, limit).chosen

    assert chosen.drop <= chosen.most <= limit


@few
@given(several(), drops)
def test_it_is_never_slower_than_the_last_model_alone(
    members: list[Measured], limit: float
) -> None:
    fitted = fit(members, limit)

    assert fitted.chosen.seconds <= fitted.alone.seconds


@few
@given(several(), drops, drops)
def test_who_allows_more_waits_no_longer(members: list[Measured], one: float, other: float) -> None:
    less, more = sorted((one, other))

    assert fit(members, more).chosen.seconds <= fit(members, less).chosen.seconds


@given(several(n_members=2), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_escalates_more(
    members: list[Measured], one: float, other: float
) -> None:
    low, high = sorted((one, other))

    assert point(members, [low]).escalated <= point(members, [high]).escalated


@given(several())
def test_where_no_answer_stands_it_is_the_last_model(members: list[Measured]) -> None:
    alone = point(members, [NEVER] * (len(members) - 1))

    assert pytest.approx((0.0, 0.0, float(members[-1].seconds.mean()))) == (
        alone.drop,
        alone.most,
        alone.seconds,
    )


@given(several(), st.lists(st.floats(0, 1), min_size=2, max_size=2))
def test_every_row_is_answered_by_one_member(
    members: list[Measured], thresholds: list[float]
) -> None:
    shares = point(members, thresholds[: len(members) - 1]).shares

    assert abs(1 - sum(shares)) < 1e-9


@given(st.integers(0, 50), st.integers(0, 50), st.integers(100, 5000))
def test_one_more_loss_loosens_the_bound(n_lost: int, n_won: int, n_rows: int) -> None:
    assert bound(n_lost, n_won, n_rows) < bound(n_lost + 1, n_won, n_rows)
