"""Vocabulary trimming."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goldcrest.distill.reading import counts, tokenised
from goldcrest.distill.vocabulary import trim, vocabulary_of
from goldcrest.errors import UnsupportedModel
from goldcrest.testing import random_checkpoint
from goldcrest.text.vocabulary import build_tokenizer, parse

TEXTS = ["the film was great", "a rude waiter, never again", "Wonderful food; recommended!"]


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = random_checkpoint(tmp_path_factory.mktemp("words") / "tiny", family="bert")
    found: dict[str, Any] = json.loads(build_tokenizer(folder))
    return found


def needed(content: dict[str, Any]) -> Any:
    read = tokenised(json.dumps(content), TEXTS, max_length=128)
    return counts(read.ids, len(vocabulary_of(content)))


def test_texts_whose_tokens_are_kept_are_cut_as_before(content: dict[str, Any]) -> None:
    trimmed = trim(content, needed(content), 0)

    before = parse(json.dumps(content), source="").encode_batch(TEXTS)
    after = parse(trimmed.text, source="").encode_batch(TEXTS)

    assert [one.tokens for one in before] == [one.tokens for one in after]
    assert [one.ids for one in before] == [trimmed.kept[one.ids].tolist() for one in after]
    assert len(trimmed.kept) < len(vocabulary_of(content))


def test_pairs_are_framed_as_before(content: dict[str, Any]) -> None:
    trimmed = trim(content, needed(content), 0)

    before, after = (
        parse(text, source="").encode("the film", "a waiter")
        for text in (json.dumps(content), trimmed.text)
    )

    assert before.tokens == after.tokens
    assert before.type_ids == after.type_ids


def test_only_the_most_frequent_tokens_are_kept_besides_characters(content: dict[str, Any]) -> None:
    numbers = np.zeros(len(vocabulary_of(content)), np.int64)
    words = vocabulary_of(content)
    numbers[[words["film"], words["great"], words["food"]]] = 3, 9, 5

    kept = vocabulary_of(dict(trim(content, numbers, 2).content))

    assert {"great", "food"} == {
        token for token in kept if len(token.removeprefix("##")) > 1 and token[0] != "["
    }


def test_a_word_that_is_not_kept_falls_into_characters(content: dict[str, Any]) -> None:
    nothing = np.zeros(len(vocabulary_of(content)), np.int64)

    found = parse(trim(content, nothing, 0).text, source="").encode("food").tokens

    assert ["[CLS]", "f", "##o", "##o", "##d", "[SEP]"] == found


def test_special_tokens_stay_special(content: dict[str, Any]) -> None:
    nothing = np.zeros(len(vocabulary_of(content)), np.int64)
    trimmed = trim(content, nothing, 0)

    found = parse(trimmed.text, source="").encode("a [MASK]")

    assert ["[CLS]", "a", "[MASK]", "[SEP]"] == found.tokens
    assert vocabulary_of(dict(trimmed.content))["[PAD]"] == 0


def test_ids_have_no_gaps(content: dict[str, Any]) -> None:
    trimmed = trim(content, needed(content), 5)

    ids = sorted(vocabulary_of(dict(trimmed.content)).values())

    assert list(range(len(trimmed.kept))) == ids


@pytest.mark.parametrize("family", ["roberta", "albert"])
def test_other_kinds_of_vocabulary_are_refused(family: Any, tmp_path: Path) -> None:
    folder = random_checkpoint(tmp_path / "tiny", family=family)
    content = json.loads(build_tokenizer(folder))

    with pytest.raises(UnsupportedModel, match="only WordPiece can"):
        trim(content, np.ones(1000, np.int64), 0)
