"""What stands under masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.tokenizing import loaded, vocabulary

from goldcrest.errors import InvalidRequest
from goldcrest.heads.fill import FillHead
from goldcrest.tasks import Fill, Filling
from goldcrest.values import Answer, EncodeOptions, Encoding, Item


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = vocabulary(tmp_path_factory.mktemp("bert"), "bert")
    return loaded(folder, max_length=128, mask="[MASK]")


@pytest.fixture(scope="module")
def head(tokenizer: Any) -> FillHead:
    return FillHead(tokenizer)


@pytest.fixture(scope="module")
def spaced(tmp_path_factory: pytest.TempPathFactory) -> FillHead:
    folder = vocabulary(tmp_path_factory.mktemp("roberta"), "roberta")
    return FillHead(loaded(folder, max_length=128, mask="<mask>"))


def answered(tokenizer: Any, windows: tuple[Encoding, ...], *words: str) -> Answer:
    """An answer that likes one word for each mask of all windows, and the next words less."""
    outputs, number = [], 0
    for window in windows:
        assert window.picks is not None
        logits = np.zeros((len(window.picks), tokenizer.n_ids), np.float32)
        for row in logits:
            row[tokenizer.find(words[number])] = 20
            number += 1
        outputs.append(logits)
    return Answer(tuple(outputs), windows)


def presented(head: FillHead, item: Item, answer: Answer, **options: Any) -> list[list[Filling]]:
    (found,) = head.present([item], [answer], Fill(**options))
    return [list(fillings) for fillings in found]


def test_each_mask_is_filled_by_itself(tokenizer, head):
    text = "the [MASK] was [MASK]."

    found = presented(head, text, answered(tokenizer, tokenizer.windows(text), "film", "good"))

    assert ["film", "good"] == [fillings[0].token for fillings in found]
    assert "[CLS] the film was [MASK]. [SEP]" == found[0][0].text
    assert "[CLS] the [MASK] was good. [SEP]" == found[1][0].text


def test_a_single_mask_is_filled_without_special_tokens(tokenizer, head):
    text = "The  [MASK] was GOOD"

    ((first, *_),) = presented(
        head, text, answered(tokenizer, tokenizer.windows(text), "film"), top_k=1
    )

    assert "the film was good" == first.text
    assert first.score == pytest.approx(1, abs=1e-5)


def test_fillings_fall_in_probability_and_are_as_many_as_asked_for(tokenizer, head):
    windows = tokenizer.windows("a [MASK]")
    logits = np.random.default_rng(0).standard_normal((1, tokenizer.n_ids)).astype(np.float32)

    (found,) = presented(head, "a [MASK]", Answer((logits,), windows), top_k=7)

    expected = np.exp(logits[0]) / np.exp(logits[0]).sum()
    assert np.argsort(-expected)[:7].tolist() == [one.token_id for one in found]
    assert np.allclose(np.sort(expected)[::-1][:7], [one.score for one in found])


def test_only_targets_compete_with_their_share_among_all(tokenizer, head):
    windows = tokenizer.windows("a [MASK]")
    logits = np.zeros((1, tokenizer.n_ids), np.float32)
    logits[0, tokenizer.find("film")] = 1

    (found,) = presented(
        head, "a [MASK]", Answer((logits,), windows), targets=("good", "##ing", "film", "good")
    )

    assert "film" == found[0].token
    assert {"film", "good", "##ing"} == {one.token for one in found}
    assert found[1].score == pytest.approx(1 / (tokenizer.n_ids - 1 + np.e))


@pytest.mark.parametrize(
    ("target", "tokens"),
    [("filming", "'film', '##ing'"), ("\u2603", r"'\[UNK\]'"), ("", "none")],
)
def test_a_target_that_is_no_token_is_refused_by_name(head, target, tokens):
    with pytest.raises(InvalidRequest, match=f"the target '{target}' is no .* tokens: {tokens}"):
        head.expand(["a [MASK]"], Fill(targets=("good", target)))


@pytest.mark.parametrize("target", [" good", "\u0120good"], ids=["as in a text", "as stored"])
def test_a_target_may_be_written_in_either_way(spaced, target):
    windows = spaced.vocabulary.windows("the<mask>")

    ((found,),) = presented(
        spaced, "the<mask>", answered(spaced.vocabulary, windows, "\u0120good"), targets=(target,)
    )

    assert (" good", "the good") == (found.token, found.text)


def test_masks_of_all_windows_are_filled_in_the_callers_own_text(tokenizer, head):
    text = "The [MASK] was GOOD " + "and very slow " * 12 + "but  [MASK]!"
    windows = tokenizer.windows(text, EncodeOptions(max_length=16, overflow="window"))

    found = presented(head, text, answered(tokenizer, windows, "film", "happy"))

    assert 1 < len(windows)
    assert [text.replace("[MASK]", "film", 1), text[:-7] + "happy!"] == [
        fillings[0].text for fillings in found
    ]


def test_token_ids_in_windows_are_filled_window_by_window(tokenizer, head):
    ids = tuple(tokenizer.encode("a [MASK] " + "very " * 20 + "[MASK]").ids.tolist())
    windows = tokenizer.windows(ids, EncodeOptions(max_length=12, overflow="window"))

    found = presented(head, ids, answered(tokenizer, windows, "film", "good"))

    assert found[0][0].text.startswith("a film very")
    assert found[1][0].text.endswith("very good")


def test_not_even_one_filling_is_refused(head):
    with pytest.raises(InvalidRequest, match="top_k is 0, but must be at least 1"):
        head.expand(["a [MASK]"], Fill(top_k=0))


def test_more_fillings_than_the_limit_are_refused(tokenizer):
    head, text = FillHead(tokenizer, limit=7), "the [MASK] was [MASK]."
    answer = answered(tokenizer, tokenizer.windows(text), "film", "good")

    assert [3, 3] == [len(fillings) for fillings in presented(head, text, answer, top_k=3)]
    with pytest.raises(InvalidRequest, match="asks for 8 fillings, more than the limit of 7"):
        presented(head, text, answer, top_k=4)
