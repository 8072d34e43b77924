"""The models that ship: whole, small, with a card, and as good as a newcomer expects."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import goldcrest
from goldcrest.app.source import builtins
from goldcrest.artifact import open_artifact

pytestmark = pytest.mark.integration

LIMIT_BYTES = 20_000_000
SECTIONS = ("How it was made", "Texts it learnt from", "held back", "Limits", "Licence: Apache-2.0")
PRAISE = ["I love it", "Great product, works as expected", "not bad at all", "a gripping story"]
BLAME = ["I hate it", "The food was cold and the waiter was rude", "not good", "waste of money"]

every_builtin = pytest.mark.parametrize("name", sorted(builtins()))
needs_embedder = pytest.mark.skipif("embedder" not in builtins(), reason="it is not made yet")


@pytest.fixture(scope="module")
def sentiment() -> Iterator[goldcrest.Model]:
    with goldcrest.load("sentiment") as model:
        yield model


@pytest.fixture(scope="module")
def embedder() -> Iterator[goldcrest.Model]:
    with goldcrest.load("embedder") as model:
        yield model


@every_builtin
def test_a_builtin_is_what_its_manifest_says(name: str) -> None:
    artifact = open_artifact(builtins()[name])

    artifact.verify(*artifact.manifest.variants)


@every_builtin
def test_a_builtin_is_small(name: str) -> None:
    assert LIMIT_BYTES >= sum(file.stat().st_size for file in builtins()[name].iterdir())


@every_builtin
def test_a_builtin_has_a_card_with_every_section(name: str) -> None:
    card = (builtins()[name] / "MODEL_CARD.md").read_text("utf-8")

    assert [] == [section for section in SECTIONS if section not in card]
    assert "$" not in card


@pytest.mark.parametrize(("label", "texts"), [("positive", PRAISE), ("negative", BLAME)])
def test_plain_praise_and_blame_are_told_apart_with_confidence(
    sentiment: goldcrest.Model, label: str, texts: list[str]
) -> None:
    found = sentiment.classify(texts)

    assert [label] * len(texts) == [one.label for one in found]
    assert 0.9 < min(one.score for one in found)


@needs_embedder
def test_the_embedder_knows_that_a_kitten_is_a_cat(embedder: goldcrest.Model) -> None:
    kitten, invoice = embedder.similarity("a cat", ["a kitten", "an invoice"])

    assert kitten > invoice + 0.2


@needs_embedder
def test_the_embedder_finds_the_answer_among_others(embedder: goldcrest.Model) -> None:
    texts = ["our office is closed on Sundays", "reset your password here", "the soup is cold"]

    assert 1 == np.argmax(embedder.similarity("I forgot my login", texts))


@needs_embedder
def test_vectors_of_the_embedder_have_length_one(embedder: goldcrest.Model) -> None:
    vectors = embedder.embed(["a cat", "and a far longer text about cats " * 60])

    assert (2, 384) == vectors.shape
    np.testing.assert_allclose([1, 1], np.linalg.norm(vectors, axis=1), atol=1e-4)


@needs_embedder
def test_the_embedder_pools_by_the_mean(embedder: goldcrest.Model) -> None:
    manifest = open_artifact(builtins()["embedder"]).manifest

    assert ("embed", "mean", True, 384, 256) == (
        manifest.task,
        manifest.pooling,
        manifest.normalize,
        manifest.dimensions,
        embedder.max_length,
    )


@needs_embedder
def test_a_text_has_the_same_vector_in_company_as_alone(embedder: goldcrest.Model) -> None:
    texts = ["a cat", "where is my parcel?", "a far longer text about cats " * 20]

    alone = np.concatenate([embedder.embed([text]) for text in texts])

    np.testing.assert_allclose(alone, embedder.embed(texts), atol=2e-3)
