"""What is read from an engine's arrays belongs to the job that it is handed to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from goldcrest.heads.reading import reader
from goldcrest.names import Readable
from goldcrest.testing import FakeEngine, fake_logits
from goldcrest.testing.grid import scattered
from goldcrest.values import Encoding, Floats, Grid

RNG = np.random.default_rng(5)
ENCODINGS = [Encoding(RNG.integers(1, 9999, n).astype(np.int32)) for n in (3, 1, 7, 16, 2, 5)]
PICKING = [
    replace(encoding, picks=np.array(places, np.int32)) if places else encoding
    for encoding, places in zip(ENCODINGS, ([2], [], [0, 6], [3, 4, 15], [], [1]), strict=True)
]


def grid_of(encodings: list[Encoding]) -> Grid:
    return scattered(encodings, np.random.default_rng(1))


def states_of(encoding: Encoding) -> Floats:
    """What the fake gives for every token of a text."""
    places = np.arange(1, encoding.n_tokens + 1, dtype=np.float32)[:, None]
    return (fake_logits(encoding.ids, 4) + places) % 4


def read(readable: Readable, encodings: list[Encoding], pooling: str = "cls"):
    grid = grid_of(encodings)
    return reader(readable, pooling)(FakeEngine(4, readable=readable).run(grid), grid)  # type: ignore[arg-type]  # one of three


def test_a_classifier_gives_a_row_of_logits_per_text():
    for encoding, row in zip(ENCODINGS, read("classify", ENCODINGS), strict=True):
        assert np.array_equal(fake_logits(encoding.ids, 4), row)


@pytest.mark.parametrize("readable", ["tokens", "span"])
def test_a_tagger_gives_a_row_per_token(readable: Readable):
    for encoding, rows in zip(ENCODINGS, read(readable, ENCODINGS), strict=True):
        assert np.array_equal(states_of(encoding), rows)


def test_a_masked_model_gives_a_row_per_picked_token():
    picking = [
        e if e.picks is not None else replace(e, picks=np.array([0], np.int32)) for e in PICKING
    ]
    for encoding, rows in zip(picking, read("fill", picking), strict=True):
        assert np.array_equal(states_of(encoding)[encoding.picks], rows)


@pytest.mark.parametrize(
    ("pooling", "reference"),
    [
        ("cls", lambda states: states[0]),
        ("mean", lambda states: states.mean(axis=0)),
        ("max", lambda states: states.max(axis=0)),
    ],
)
def test_an_embedder_pools_each_text_by_itself(pooling: str, reference):
    for encoding, vector in zip(ENCODINGS, read("embed", ENCODINGS, pooling), strict=True):
        np.testing.assert_allclose(reference(states_of(encoding)), vector, rtol=1e-6)


def test_texts_that_want_states_and_texts_that_want_a_vector_share_a_grid():
    for encoding, values in zip(PICKING, read("embed", PICKING, "mean"), strict=True):
        states = states_of(encoding)
        expected = states.mean(axis=0) if encoding.picks is None else states[encoding.picks]
        np.testing.assert_allclose(expected, values, rtol=1e-6)


def test_what_was_read_is_a_copy_that_the_next_run_cannot_change():
    grid = grid_of(ENCODINGS)
    arrays = FakeEngine(4, readable="tokens").run(grid)
    rows = reader("tokens")(arrays, grid)
    before = [row.copy() for row in rows]

    arrays["logits"][:] = 0

    assert all(np.array_equal(left, right) for left, right in zip(before, rows, strict=True))
