"""What may ship, and how a student is compared with its teacher."""

from __future__ import annotations

from string import Template

import numpy as np
import pytest
from recipes.judging import LARGEST_ARTIFACT_BYTES, mean_drop, objections
from recipes.likeness import Vectors, likeness, nearest
from recipes.publishing import HERE

from goldcrest.evaluate import Drop

NONE = Drop(0.0, -0.3, 0.3, 1000)


def vectors(n: int, seed: int = 0) -> Vectors:
    drawn = np.random.default_rng(seed).normal(size=(n, 16)).astype(np.float32)
    scaled: Vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return scaled


def test_the_mean_of_several_sets_is_surer_than_each() -> None:
    mean = mean_drop({name: Drop(1.0, 0.0, 2.0, 10) for name in "abcd"})

    assert (1.0, 0.5, 1.5, 40) == (mean.points, mean.low, mean.high, mean.n_rows)


@pytest.mark.parametrize(
    ("int8", "replaced", "n_bytes", "expected"),
    [
        (NONE, None, 1, []),
        (NONE, NONE, LARGEST_ARTIFACT_BYTES, []),
        (Drop(0.6, 0.1, 1.1, 9), None, 1, ["INT8"]),
        (NONE, Drop(0.9, -0.1, 1.9, 9), 1, []),
        (NONE, Drop(0.9, 0.1, 1.7, 9), 1, ["worse"]),
        (NONE, None, LARGEST_ARTIFACT_BYTES + 1, ["bytes"]),
    ],
)
def test_a_model_is_refused_for_each_reason(
    int8: Drop, replaced: Drop | None, n_bytes: int, expected: list[str]
) -> None:
    found = objections(int8=int8, replaced=replaced, n_bytes=n_bytes)

    assert len(expected) == len(found)
    assert all(word in said for word, said in zip(expected, found, strict=True))


def test_a_teacher_is_like_itself() -> None:
    of = vectors(50)

    found = likeness(of, of, {"a": slice(0, 20), "b": slice(20, 50)})

    assert [20, 30, 50] == [one.n_texts for one in found.values()]
    for one in found.values():
        perfect = [one.cosine, one.cosine_p5, one.overlap, one.same_first, one.first_in_five]
        np.testing.assert_allclose([*perfect, one.spearman], np.ones(6), atol=1e-6)


def test_strangers_are_not_alike() -> None:
    found = likeness(vectors(400), vectors(400, seed=1), {})["all"]

    assert 0.2 > max(abs(found.cosine), found.overlap, found.first_in_five, abs(found.spearman))


def test_a_text_is_not_its_own_neighbour() -> None:
    of = vectors(30)

    assert [] == [row for row, places in enumerate(nearest(of)) if row in places]


@pytest.mark.parametrize("card", sorted((HERE / "cards").glob("*.md")), ids=lambda file: file.stem)
def test_a_card_names_figures_rather_than_holding_them(card) -> None:
    names = set(Template(card.read_text("utf-8")).get_identifiers())

    assert {"shape", "size", "max_length", "training", "quality", "verdict"} <= names
