"""What the recipes make of the data sets: no text on both sides, none longer than is learnt."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from recipes.prepare import phrases
from recipes.prepare.corpora import Block
from recipes.prepare.embedder import LONGEST_WORDS, passages, split
from recipes.prepare.rows import Prepared, Row
from recipes.prepare.sentiment import by_hand
from recipes.prepare.texts import joined, key, sentences, share


def dice() -> random.Random:
    return random.Random(0)  # noqa: S311 - variety, not secrecy


@pytest.mark.parametrize("name", ["everyday", "facts"])
def test_no_template_can_write_a_phrase_that_is_tested_on(name: str) -> None:
    written = {key(text) for text, _ in phrases.generate(seed=0)}

    assert set() == written & {key(example.text) for example in by_hand(name)}


def test_a_template_can_write_what_it_wrote() -> None:
    written = phrases.generate(seed=0, per_template=1)

    assert [] == [text for text, _ in written if not phrases.can_write(text)]


def test_phrases_are_filled_in_whole() -> None:
    assert [] == [text for text, _ in phrases.generate(seed=1) if "{" in text or "|" in text]


def test_a_share_depends_on_the_words_alone() -> None:
    assert share("Not bad, at all!") == share("not  bad at all")


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ("it 's good , is n't it ?", "it's good, isn't it?"),
        ("at &#38; t ( the phone )", "at & t (the phone)"),
    ],
)
def test_tokens_are_joined_as_they_were_written(tokens: str, expected: str) -> None:
    assert expected == joined(tokens)


def test_a_title_ends_no_sentence() -> None:
    assert ["Mr. Hall left.", '"Why?"', "Nobody knew."] == list(
        sentences('Mr. Hall left. "Why?" Nobody knew.')
    )


def test_passages_join_neighbours_and_stay_short_enough() -> None:
    told = [f"Sentence {n} has exactly six words." for n in range(100)]

    found = list(passages(told, dice()))

    assert " ".join(told).startswith(found[0])
    assert LONGEST_WORDS >= max(len(text.split()) for text in found)
    assert set(told) >= set(sentences(" ".join(found)))


def test_a_block_is_held_back_whole() -> None:
    blocks = [Block((f"The first of {n}.", f"The second of {n}.")) for n in range(300)]

    found = split(blocks, dice())

    held_back = {text.split()[-1] for text in found.held_back}
    assert held_back
    assert set() == held_back & {text.split()[-1] for text in found.sentences + found.passages}


def test_what_is_prepared_is_written_by_set(tmp_path: Path) -> None:
    row: Row = {"text": "a ünit", "label": "x"}

    Prepared([row], {"one": [row, row]}, ["a ünit"], {"one": 1}).write(tmp_path)

    lines = (tmp_path / "held_back" / "one.jsonl").read_text("utf-8").splitlines()
    assert [row, row] == [json.loads(line) for line in lines]
    counts = json.loads((tmp_path / "counts.json").read_text("utf-8"))
    assert {"train": {"one": 1}, "held_back": {"one": 2}} == counts
