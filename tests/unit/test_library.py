"""Models in a Python program: the same answers alone, in company, and again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import goldcrest
from goldcrest.artifact import Artifact
from goldcrest.config import Config
from goldcrest.errors import CheckpointNotFound, InputTooLong, UnsupportedTask
from goldcrest.testing import random_checkpoint


@pytest.fixture(scope="module")
def classifier(tiny: Artifact, config: Config) -> Iterator[goldcrest.Model]:
    with goldcrest.load(str(tiny.folder), config, precision="f32") as model:
        yield model


@pytest.fixture(scope="module")
def embedder(tiny_embedder: Artifact, config: Config) -> Iterator[goldcrest.Model]:
    with goldcrest.load(str(tiny_embedder.folder), config, precision="f32") as model:
        yield model


def test_an_answer_is_the_same_alone_and_in_company(
    classifier: goldcrest.Model, texts: list[str]
) -> None:
    together = classifier.classify(texts)

    for text, found in zip(texts, together, strict=True):
        (alone,) = classifier.classify([text])
        assert list(found.scores.values()) == pytest.approx(list(alone.scores.values()), abs=1e-5)


def test_an_embedding_is_the_same_alone_and_in_company(
    embedder: goldcrest.Model, texts: list[str]
) -> None:
    together = embedder.embed(texts)

    alone = np.concatenate([embedder.embed([text]) for text in texts])
    assert np.allclose(together, alone, atol=1e-5)


async def test_overlapping_calls_are_answered_as_one_by_one(
    classifier: goldcrest.Model, texts: list[str]
) -> None:
    replies = await asyncio.gather(*[classifier.classify_async([text]) for text in texts])

    for (found,), expected in zip(replies, classifier.classify(texts), strict=True):
        assert expected.label == found.label
        assert expected.score == pytest.approx(found.score, abs=1e-5)


def test_truncation_is_told(classifier: goldcrest.Model, texts: list[str]) -> None:
    short, long = classifier.classify([texts[3], texts[-1]], max_length=16)

    assert (False, True) == (short.truncated, long.truncated)


def test_truncation_can_be_forbidden(classifier: goldcrest.Model, texts: list[str]) -> None:
    with pytest.raises(InputTooLong, match="limit of 16"):
        classifier.classify([texts[-1]], max_length=16, overflow="reject")


def test_a_model_says_what_it_does_not_do(
    classifier: goldcrest.Model, embedder: goldcrest.Model
) -> None:
    with pytest.raises(UnsupportedTask, match="does classify, not embed"):
        classifier.embed(["text"])
    with pytest.raises(UnsupportedTask, match="does embed, not classify"):
        embedder.classify(["text"])


async def test_nothing_in_nothing_out(
    classifier: goldcrest.Model, embedder: goldcrest.Model
) -> None:
    assert [] == classifier.classify([]) == await classifier.classify_async([])
    assert (0, 32) == embedder.embed([]).shape == (await embedder.embed_async([])).shape


def test_a_checkpoint_is_compiled_once_and_found_again(tmp_path: Path, config: Config) -> None:
    folder = random_checkpoint(tmp_path / "checkpoint")
    steps: list[str] = []

    for _ in range(2):
        with goldcrest.load(str(folder), config, progress=steps.append) as model:
            model.classify(["text"])

    assert 1 == steps.count("building the graph")


def test_an_unknown_name_says_what_is_built_in(config: Config) -> None:
    with pytest.raises(CheckpointNotFound, match="built in"):
        goldcrest.load("./no-such-folder", config)
