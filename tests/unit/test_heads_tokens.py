"""Labels of tokens and groups, and texts put together from their windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.tokenizing import loaded, vocabulary

from goldcrest.errors import InvalidRequest
from goldcrest.heads.tokens import TokensHead
from goldcrest.heads.windows import pieces, taken
from goldcrest.tasks import Entity, Tokens
from goldcrest.values import Answer, EncodeOptions, Encoding, Floats

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
AGGREGATIONS = ("none", "simple", "first", "average", "max")
REACH = 3
"""Tokens to each side that the model of these tests sees."""

spelled = st.lists(st.sampled_from(["good", "filming", "x", "\u00e9.", "\u2603", "a-b"]))


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = vocabulary(tmp_path_factory.mktemp("bert"), "bert")
    return loaded(folder, max_length=512, keeps_origins=True)


@pytest.fixture(scope="module")
def head(tokenizer: Any) -> TokensHead:
    return TokensHead(LABELS, tokenizer)


def logits_of(encoding: Encoding) -> Floats:
    """What a model would say that sees no farther than ``REACH`` tokens."""
    padded = np.pad(encoding.ids.astype(np.int64), REACH)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * REACH + 1)
    mixed = around @ np.arange(1, 2 * REACH + 2) * 2_654_435_761
    columns = [(mixed >> (8 * n)) % 256 / 64 for n in range(len(LABELS))]
    return np.stack(columns, axis=1).astype(np.float32)


def answered(windows: Sequence[Encoding]) -> Answer:
    return Answer(tuple(map(logits_of, windows)), tuple(windows))


def labelled(tokenizer: Any, text: str, labels: Sequence[str], surest: int = -1) -> Answer:
    """An answer that gives each token of a text its label, one of them more surely."""
    encoding = tokenizer.encode(text)
    logits = np.zeros((encoding.n_tokens, len(LABELS)), np.float32)
    for place, label in enumerate(labels, 1):
        logits[place, LABELS.index(label)] = 5 if place - 1 == surest else 2
    return Answer((logits,), (encoding,))


def groups_of(entities: Sequence[Entity]) -> list[tuple[str, str]]:
    return [(one.label, one.word) for one in entities]


# windows


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | spelled.map(" ".join),
    st.integers(3, 24),
    st.data(),
)
def test_the_pieces_of_windows_are_those_of_the_whole_text(tokenizer, text, limit, data):
    stride = data.draw(st.none() | st.integers(0, limit - 3))
    options = EncodeOptions(max_length=limit, overflow="window", stride=stride)

    found = pieces([answered(tokenizer.windows(text, options))])

    whole = pieces([answered([tokenizer.encode(text)])])
    for name in ("ids", "offsets", "places"):
        assert np.array_equal(getattr(whole, name), getattr(found, name))


@given(spelled.map(" ".join), st.integers(2 * REACH + 3, 40), st.data())
@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_windows_that_share_enough_change_nothing(tokenizer, head, aggregation, text, limit, data):
    stride = data.draw(st.integers(2 * REACH, limit - 3))
    options = EncodeOptions(max_length=limit, overflow="window", stride=stride)
    task = Tokens(aggregation, ignored=())

    found = head.present([text], [answered(tokenizer.windows(text, options))], task)

    assert head.present([text], [answered([tokenizer.encode(text)])], task) == found


@given(st.integers(1, 60), st.integers(1, 20), st.data())
@example(10, 4, None)
def test_a_token_is_taken_where_it_stands_farthest_from_a_cut(n_tokens, room, data):
    stride = data.draw(st.integers(0, room - 1)) if data else 2
    starts = range(0, max(n_tokens - stride, 1), room - stride)
    windows = [np.arange(start, min(start + room, n_tokens))[:, None] for start in starts]
    origins = [(number, place) for number, w in enumerate(windows) for place in range(len(w))]

    found = [origins[place] for place in taken(windows).tolist()]

    def margin(number: int, place: int) -> int:
        before = 999 if number == 0 else place
        return min(before, 999 if number == len(windows) - 1 else len(windows[number]) - 1 - place)

    for token in range(n_tokens):
        there = [(n, token - s) for n, s in enumerate(starts) if 0 <= token - s < len(windows[n])]
        assert max(there, key=lambda one: (margin(*one), -one[0])) == found[token]


# entities


def test_a_token_keeps_its_place_and_the_vocabularys_spelling(tokenizer, head):
    text = " filming \u2603"

    (found,) = head.present([text], [labelled(tokenizer, text, ["O", "I-PER", "B-LOC"])], Tokens())

    assert [("I-PER", "##ing", 5, 8, 2), ("B-LOC", "\u2603", 9, 10, 3)] == [
        (one.label, one.word, one.start, one.end, one.index) for one in found
    ]


def test_a_group_ends_where_another_begins_or_the_label_changes(tokenizer, head):
    text = "good film good food bad film"
    labels = ["B-PER", "I-PER", "B-PER", "I-LOC", "O", "I-LOC"]

    (found,) = head.present([text], [labelled(tokenizer, text, labels)], Tokens("simple"))

    assert [("PER", "good film"), ("PER", "good"), ("LOC", "food"), ("LOC", "film")] == groups_of(
        found
    )
    assert found[0].score == pytest.approx(np.exp(2) / (np.exp(2) + 4))


@pytest.mark.parametrize(
    ("aggregation", "expected"),
    [
        ("simple", [("PER", "film"), ("LOC", "##ing")]),
        ("first", [("PER", "filming")]),
        ("max", [("LOC", "filming")]),
        ("average", [("LOC", "filming")]),
    ],
)
def test_a_word_gets_one_label(tokenizer, head, aggregation, expected):
    answer = labelled(tokenizer, "filming", ["B-PER", "I-LOC"], surest=1)

    (found,) = head.present(["filming"], [answer], Tokens(aggregation))

    assert expected == groups_of(found)


@pytest.mark.parametrize("aggregation", AGGREGATIONS[1:])
def test_no_group_reaches_from_one_text_into_the_next(tokenizer, head, aggregation):
    answers = [labelled(tokenizer, text, ["I-PER"]) for text in ("good", "film")]

    found = head.present(["good", "film"], answers, Tokens(aggregation))

    assert [[("PER", "good")], [("PER", "film")]] == [groups_of(entities) for entities in found]


@pytest.mark.parametrize(
    ("aggregation", "ignored", "expected"),
    [
        ("none", ("O", "B-PER"), ["I-PER"]),
        ("simple", ("O", "PER"), []),
        ("simple", ("B-PER",), ["PER", "O"]),
        ("none", (), ["B-PER", "I-PER", "O"]),
    ],
)
def test_ignored_labels_are_left_out(tokenizer, head, aggregation, ignored, expected):
    text = "good film food"
    answer = labelled(tokenizer, text, ["B-PER", "I-PER", "O"])

    (found,) = head.present([text], [answer], Tokens(aggregation, ignored))

    assert expected == [one.label for one in found]


def test_words_without_a_mark_are_what_spaces_set_apart(tmp_path):
    text = "very good, film"
    tokenizer = loaded(vocabulary(tmp_path, "roberta"), keeps_origins=True)
    encoding = tokenizer.encode(text)
    logits = np.eye(len(LABELS), dtype=np.float32)[np.arange(encoding.n_tokens) % 2 + 1] * 5

    (found,) = TokensHead(LABELS, tokenizer).present(
        [text], [Answer((logits,), (encoding,))], Tokens("first")
    )

    assert "very good, film" == "".join(one.word for one in found)
    assert all(text[one.start - 1 : one.start] in ("", " ") for one in found)


@pytest.mark.parametrize("texts", [[], [""], ["", ""]], ids=len)
def test_texts_without_tokens_have_no_entities(tokenizer, head, texts):
    answers = [answered([tokenizer.encode(text)]) for text in texts]

    assert [()] * len(texts) == list(head.present(texts, answers, Tokens("simple", ())))


@pytest.mark.parametrize("item", [("a", "pair"), (1, 2, 3)])
def test_only_single_texts_have_tokens_to_label(head, item):
    with pytest.raises(InvalidRequest, match="item 1 is no single text"):
        head.expand(["text", item], Tokens())
