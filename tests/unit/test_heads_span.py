"""Passages that answer questions: which are found, and how those of windows compete."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tokenizing import loaded, vocabulary

from goldcrest.errors import InvalidRequest
from goldcrest.heads.numbers import softmax
from goldcrest.heads.span import SpanHead
from goldcrest.tasks import Passage, Span
from goldcrest.values import Answer, EncodeOptions, Encoding, Floats

QUESTION = "was it good"
HEAD = SpanHead()


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = vocabulary(tmp_path_factory.mktemp("bert"), "bert")
    return loaded(folder, max_length=512, keeps_origins=True)


def pointing(encoding: Encoding, first: int, last: int, sure: float = 9) -> Floats:
    """Logits that point at a token of the context by its number, and at another."""
    logits = np.zeros((encoding.n_tokens, 2), np.float32)
    assert encoding.origins is not None
    inside = np.flatnonzero(encoding.origins.texts == 1)
    logits[inside[first], 0] = logits[inside[last], 1] = sure
    return logits


def presented(context: str, answer: Answer, **options: Any) -> tuple[Passage, ...]:
    (found,) = HEAD.present([(QUESTION, context)], [answer], Span(**options))
    return found


def test_a_passage_is_what_the_context_says_between_two_tokens(tokenizer):
    context = "  the Film was\tVERY good"
    encoding = tokenizer.encode((QUESTION, context))

    (found,) = presented(context, Answer((pointing(encoding, 1, 3),), (encoding,)))

    assert ("Film was\tVERY", 6, 19) == (found.text, found.start, found.end)


def test_a_passage_begins_and_ends_with_whole_words(tokenizer):
    context = "loving filming"
    encoding = tokenizer.encode((QUESTION, context))

    (found,) = presented(context, Answer((pointing(encoding, 1, 2),), (encoding,)))

    assert "loving filming"[found.start : found.end] == found.text
    assert found.text in ("loving", "loving filming")
    assert 0 == found.start


@given(st.integers(1, 14), st.integers(1, 20), st.integers(0, 10**6))
def test_the_best_passage_is_the_best_of_all_pairs(tokenizer, n_words, longest, seed):
    context = " ".join(chr(97 + n) for n in range(n_words))
    encoding = tokenizer.encode((QUESTION, context))
    logits = np.random.default_rng(seed).standard_normal((encoding.n_tokens, 2)) * 3
    inside = np.flatnonzero(encoding.origins.texts == 1)
    shares = softmax(logits[[0, *inside]].T.astype(np.float32))

    answer = Answer((logits.astype(np.float32),), (encoding,))
    (found,) = presented(context, answer, max_answer_tokens=longest)

    expected = max(
        (shares[0, first + 1] * shares[1, last + 1], 2 * first, 2 * last + 1)
        for first, last in product(range(n_words), repeat=2)
        if 0 <= last - first < longest
    )
    assert expected == pytest.approx((found.score, found.start, found.end), rel=1e-4)


def test_the_question_is_never_part_of_an_answer(tokenizer):
    context = "a film"
    encoding = tokenizer.encode((QUESTION, context))
    logits = np.zeros((encoding.n_tokens, 2), np.float32)
    logits[1:4] = 50

    found = presented(context, Answer((logits,), (encoding,)), n_best=9)

    assert {"a", "film", "a film"} == {one.text for one in found}
    assert sum(one.score for one in found) <= 1


def test_fewer_passages_than_asked_for_are_all_there_are(tokenizer):
    encoding = tokenizer.encode((QUESTION, "film"))

    assert 1 == len(presented("film", Answer((pointing(encoding, 0, 0),), (encoding,)), n_best=100))


def test_passages_that_read_the_same_are_one(tokenizer):
    context = "good film Good"
    encoding = tokenizer.encode((QUESTION, context))
    logits = pointing(encoding, 0, 0)
    logits[-2] = 9

    found = presented(context, Answer((logits,), (encoding,)), n_best=9, max_answer_tokens=1)

    assert [("good", 0), ("film", 5)] == [(one.text, one.start) for one in found]
    assert found[0].score == pytest.approx(0.5, abs=0.01)


def test_passages_of_all_windows_compete(tokenizer):
    context = " ".join(chr(97 + n) for n in range(26))
    options = EncodeOptions(max_length=16, overflow="window", stride=3)
    windows = tokenizer.windows((QUESTION, context), options)
    outputs = [pointing(window, 0, 0, sure=2) for window in windows]
    outputs[1] = pointing(windows[1], 4, 5)

    (found,) = presented(context, Answer(tuple(outputs), windows))

    assert 2 < len(windows)
    room = 16 - tokenizer.encode((QUESTION, "")).n_tokens
    first = room - 3 + 4  # the second window begins three tokens before the first one ends
    assert (2 * first, 2 * first + 3) == (found.start, found.end)
    assert context[found.start : found.end] == found.text


@pytest.mark.parametrize(("none", "texts"), [(99, ["", "film"]), (-99, ["film", ""])])
def test_no_answer_competes_where_it_is_allowed(tokenizer, none, texts):
    encoding = tokenizer.encode((QUESTION, "film"))
    logits = pointing(encoding, 0, 0)
    logits[0] = none

    found = presented("film", Answer((logits,), (encoding,)), n_best=2, allow_none=True)

    assert texts == [one.text for one in found]


def test_no_answer_is_as_likely_as_in_the_window_that_likes_it_least(tokenizer):
    encoding = tokenizer.encode((QUESTION, "film"))
    sure, unsure = pointing(encoding, 0, 0), pointing(encoding, 0, 0, sure=0)

    found = presented("film", Answer((unsure, sure), (encoding,) * 2), n_best=2, allow_none=True)

    assert found[-1].score == pytest.approx(float(1 / (1 + np.exp(9)) ** 2))


def test_an_empty_context_has_no_passage(tokenizer):
    encoding = tokenizer.encode((QUESTION, ""))
    answer = Answer((np.ones((encoding.n_tokens, 2), np.float32),), (encoding,))

    assert () == presented("", answer)


@pytest.mark.parametrize(
    ("item", "task", "sentence"),
    [
        ("text", Span(), "item 0 is no pair of a question and a context"),
        ((1, 2), Span(), "item 0 is no pair"),
        (("a", "b"), Span(n_best=0), "n_best is 0, but must be at least 1"),
        (("a", "b"), Span(max_answer_tokens=0), "max_answer_tokens is 0"),
    ],
)
def test_what_has_no_answer_is_refused(item, task, sentence):
    with pytest.raises(InvalidRequest, match=sentence):
        HEAD.expand([item], task)
