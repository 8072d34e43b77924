"""Heads: from arrays to answers to what a caller sees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldcrest.errors import InvalidRequest
from goldcrest.heads.classify import ClassifyHead, sigmoid, softmax
from goldcrest.heads.embed import EmbedHead, pool
from goldcrest.packing.grid import fill
from goldcrest.values import Encoding, Floats, Plan, Pooling, Shape

REACH = st.floats(-1e4, 1e4, width=32)


@given(st.lists(REACH, min_size=2, max_size=9))
def test_softmax_is_a_distribution_in_the_order_of_the_logits(logits: list[float]) -> None:
    values = np.array(logits, np.float32)

    result = softmax(values)

    assert result.sum() == pytest.approx(1, abs=1e-5)
    assert result[values.argmax()] == result.max()


@given(st.lists(REACH, min_size=1, max_size=9))
def test_sigmoid_agrees_with_the_two_way_softmax(logits: list[float]) -> None:
    values = np.array(logits, np.float32)

    pairs = softmax(np.stack([values, np.zeros_like(values)], axis=1))

    assert np.allclose(sigmoid(values), pairs[:, 0], atol=1e-6)


def test_a_regression_is_presented_as_it_is() -> None:
    head = ClassifyHead(("stars",), "regression")

    assert 4.25 == head.present([np.array([4.25], np.float32)], {})[0, 0]


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_pooling_skips_gaps_and_follows_the_order_of_the_jobs(pooling: Pooling) -> None:
    shape, lengths = Shape(3, 16), [5, 16, 3, 7, 1]
    encodings = [Encoding(np.ones(n, np.int32)) for n in lengths]
    grid = fill(Plan(shape, ((3, 0), (1,), (4, 2))), encodings)
    states = np.random.default_rng(0).standard_normal((shape.n_slots, 4)).astype(np.float32)
    reduce = np.mean if pooling == "mean" else np.max

    pooled = pool(states, grid, pooling)

    for row, start, n in zip(pooled, grid.starts, grid.lengths, strict=True):
        assert np.allclose(row, reduce(states[start : start + n], axis=0), atol=1e-6)


def vectors() -> list[Floats]:
    return list(np.random.default_rng(1).standard_normal((3, 8)).astype(np.float32))


def test_embeddings_have_length_one_unless_told_otherwise() -> None:
    head = EmbedHead("mean", normalize=True, dimensions=8)

    assert np.allclose(np.linalg.norm(head.present(vectors(), {}), axis=1), 1)
    assert np.array_equal(np.stack(vectors()), head.present(vectors(), {"normalize": False}))


def test_a_cut_embedding_is_normalised_after_the_cut() -> None:
    head = EmbedHead("mean", normalize=True, dimensions=8)

    cut = head.present(vectors(), {"dimensions": 3})

    assert (3, 3) == cut.shape
    assert np.allclose(np.linalg.norm(cut, axis=1), 1)


@pytest.mark.parametrize("dimensions", [0, 9, -1])
def test_dimensions_out_of_range_name_the_range(dimensions: int) -> None:
    head = EmbedHead("mean", normalize=True, dimensions=8)

    with pytest.raises(InvalidRequest, match=f"must be 1 to 8, not {dimensions}"):
        head.present(vectors(), {"dimensions": dimensions})


def test_a_vector_of_zeros_stays_zero() -> None:
    head = EmbedHead("mean", normalize=True, dimensions=4)

    assert not head.present([np.zeros(4, np.float32)], {}).any()
