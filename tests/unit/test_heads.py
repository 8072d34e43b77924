"""Heads of whole texts and pairs: what is inferred, and what a caller sees of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldcrest.errors import InvalidRequest
from goldcrest.heads.classify import ClassifyHead
from goldcrest.heads.embed import EmbedHead, Prompts, SimilarityHead, StatesHead
from goldcrest.heads.numbers import best, sigmoid, softmax
from goldcrest.heads.rerank import RerankHead
from goldcrest.heads.zero_shot import ZeroShotHead, entailing
from goldcrest.tasks import Classify, Embed, Rerank, Similarity, States, ZeroShot
from goldcrest.values import Answer, Encoding

REACH = st.floats(-1e4, 1e4, width=32)


def answer(*windows: list[float], lengths: tuple[int, ...] = ()) -> Answer:
    """What was read for an item, and windows of some length."""
    n_tokens = lengths or (3,) * len(windows)
    return Answer(
        tuple(np.array(window, np.float32) for window in windows),
        tuple(Encoding(np.ones(n, np.int32)) for n in n_tokens),
    )


@given(st.lists(REACH, min_size=2, max_size=9))
def test_softmax_is_a_distribution_in_the_order_of_the_logits(logits):
    values = np.array(logits, np.float32)

    result = softmax(values)

    assert result.sum() == pytest.approx(1, abs=1e-5)
    assert result[values.argmax()] == result.max()


@given(st.lists(REACH, min_size=1, max_size=9))
def test_sigmoid_agrees_with_the_two_way_softmax(logits):
    values = np.array(logits, np.float32)

    pairs = softmax(np.stack([values, np.zeros_like(values)], axis=1))

    assert np.allclose(sigmoid(values), pairs[:, 0], atol=1e-6)


@given(st.lists(REACH, min_size=1, max_size=40, unique=True), st.integers(1, 50))
def test_the_best_are_the_first_of_all_sorted(scores, n):
    values = np.array(scores, np.float32)

    assert np.argsort(-values, kind="stable")[:n].tolist() == best(values, n).tolist()


# classify


@pytest.mark.parametrize(
    ("problem", "scores", "expected"),
    [
        ("single_label_classification", "auto", softmax),
        ("multi_label_classification", "auto", sigmoid),
        ("regression", "auto", np.array),
        ("regression", "softmax", softmax),
        ("single_label_classification", "sigmoid", sigmoid),
        ("multi_label_classification", "none", np.array),
    ],
)
def test_logits_become_what_the_model_was_trained_for_or_what_is_asked(problem, scores, expected):
    head, logits = ClassifyHead(("a", "b"), problem), np.array([[1, -2], [3, 4]], np.float32)

    found = head.present(["", ""], [answer(row) for row in logits.tolist()], Classify(scores))

    assert np.allclose(expected(logits), found)


def test_a_text_in_windows_is_the_mean_of_them_weighed_by_tokens():
    head = ClassifyHead(("a", "b"))

    found = head.present([""], [answer([9, 0], [0, 9], lengths=(30, 10))], Classify())

    expected = 0.75 * softmax(np.array([9, 0.0])) + 0.25 * softmax(np.array([0.0, 9]))
    assert np.allclose([expected], found)


def test_windows_change_nothing_where_all_agree():
    head = ClassifyHead(("a", "b"))

    assert np.allclose(
        head.present([""], [answer([1, 2])], Classify()),
        head.present([""], [answer([1, 2], [1, 2], [1, 2], lengths=(9, 9, 2))], Classify()),
    )


# rerank


def test_the_best_window_of_a_text_counts():
    found = RerankHead().present([""], [answer([-1], [2], [0])], Rerank(raw=True))

    assert [2] == found.tolist()


@pytest.mark.parametrize("item", ["a text", (1, 2), (3,)])
def test_what_is_no_pair_cannot_be_reranked(item):
    with pytest.raises(InvalidRequest, match="item 1 is no pair of a query and a text"):
        RerankHead().expand([("query", "text"), item], Rerank())


# zero-shot


def test_a_text_is_paired_with_every_hypothesis():
    task = ZeroShot(("x", "y{}"), template="Is it {}?")

    pairs = ZeroShotHead(2, 0).expand(["one", "two"], task)

    hypotheses = ["Is it x?", "Is it y{}?"]
    assert [(text, hypothesis) for text in ("one", "two") for hypothesis in hypotheses] == pairs


def test_candidates_share_the_probability_of_entailment():
    logits = [answer([9, 0, 1]), answer([-9, 0, 3])]

    found = ZeroShotHead(2, 0).present([""], logits, ZeroShot(("x", "y")))

    assert np.allclose([softmax(np.array([1.0, 3.0]))], found)


@pytest.mark.parametrize("labels", [("x", "y"), ("x",)], ids=["several may fit", "one label"])
def test_a_candidate_by_itself_is_entailed_or_contradicted(labels):
    logits = [answer([9, 0, 1]), answer([-9, 0, 3])][: len(labels)]

    found = ZeroShotHead(2, 0).present([""], logits, ZeroShot(labels, multi_label=True))

    assert np.allclose(sigmoid(np.array([-8.0, 12.0]))[: len(labels)], found)


def test_hypotheses_may_have_different_numbers_of_windows():
    logits = [answer([0, 1], [0, 3], lengths=(5, 15)), answer([0, 2])]

    found = ZeroShotHead(1, 0).present([""], logits, ZeroShot(("x", "y")))

    assert np.allclose([softmax(np.array([2.5, 2.0]))], found)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("contradiction", "neutral", "entailment"), (2, 0)),
        (("Entailment", "neutral", "contradiction"), (0, 2)),
        (("ENTAIL", "other"), (0, 1)),
        (("not_entailment", "other"), None),
        (("entailment",), None),
        ((), None),
    ],
)
def test_a_model_of_entailment_is_known_by_its_labels(labels, expected):
    head = entailing(labels)

    assert expected == (head and (head.entailment, head.contradiction))


@pytest.mark.parametrize(
    ("items", "task", "sentence"),
    [
        (["text"], ZeroShot(()), "there are no labels"),
        (["text"], ZeroShot(("x",), "no place"), "'no place' must have one {}"),
        (["text"], ZeroShot(("x",), "{} {}"), "must have one {}"),
        (["text"], ZeroShot(("x",), "{}" + "a" * 999), "1001 characters, more than .* 1000"),
        (["text", ("a", "b")], ZeroShot(("x",)), "item 1 is no single text"),
    ],
)
def test_what_cannot_be_tried_is_refused(items, task, sentence):
    with pytest.raises(InvalidRequest, match=sentence):
        ZeroShotHead(2, 0).expand(items, task)


# embed


VECTORS = [
    answer(row) for row in np.random.default_rng(1).standard_normal((3, 8)).astype(float).tolist()
]
BARE = np.stack([one.windows[0] for one in VECTORS])
EMBED = EmbedHead(normalize=True, dimensions=8)


def test_vectors_have_length_one_unless_told_otherwise():
    found = EMBED.present([""] * 3, VECTORS, Embed())

    assert np.allclose(1, np.linalg.norm(found, axis=1))
    assert np.array_equal(BARE, EMBED.present([""] * 3, VECTORS, Embed(normalize=False)))


def test_a_cut_vector_is_normalised_after_the_cut():
    cut = EMBED.present([""] * 3, VECTORS, Embed(dimensions=3))

    assert np.allclose(BARE[:, :3] / np.linalg.norm(BARE[:, :3], axis=1, keepdims=True), cut)


@pytest.mark.parametrize("dimensions", [0, 9, -1])
def test_dimensions_out_of_range_name_the_range(dimensions):
    with pytest.raises(InvalidRequest, match=f"must be 1 to 8, not {dimensions}"):
        EMBED.present([""] * 3, VECTORS, Embed(dimensions=dimensions))


@pytest.mark.parametrize("normalize", [True, False])
def test_a_vector_of_zeros_stays_zero(normalize):
    assert not EMBED.present([""], [answer([0] * 8)], Embed(normalize=normalize)).any()


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ("int8", [127, -64, 32, 0, 0, 0, 0, -127]),
        ("uint8", [255, 64, 160, 128, 128, 128, 128, 1]),
        ("ubinary", [0b10100000]),
        ("binary", [0b10100000 - 128]),
    ],
)
def test_vectors_in_narrow_numbers(numbers, expected):
    vector = answer([1.0, -0.5, 0.25, 0, 0, 0, 0, -1.0])

    found = EMBED.present([""], [vector], Embed(normalize=False, numbers=numbers))

    assert ([expected], numbers.replace("binary", "int8")) == (found.tolist(), found.dtype.name)


def test_bits_that_do_not_fill_bytes_are_refused():
    with pytest.raises(InvalidRequest, match="6 dimensions do not fill whole bytes"):
        EMBED.present([""] * 3, VECTORS, Embed(dimensions=6, numbers="binary"))


def test_no_texts_give_no_vectors_of_the_right_width():
    assert (0, 5) == EMBED.present([], [], Embed(dimensions=5)).shape
    assert (0, 1) == EMBED.present([], [], Embed(numbers="ubinary")).shape


def test_a_vector_of_windows_is_their_mean_weighed_by_tokens():
    windows = answer([1] * 8, [5] * 8, lengths=(30, 10))

    assert 2 == EMBED.present([""], [windows], Embed(normalize=False))[0, 0]


def test_similarities_are_cosines_with_the_first():
    vectors = [answer([2, 0]), answer([0, 3]), answer([1, 1]), answer([-9, 0])]

    found = SimilarityHead().present([""] * 4, vectors, Similarity())

    assert np.allclose([0, 0.5**0.5, -1], found)


def test_a_source_alone_has_nothing_to_compare_with():
    with pytest.raises(InvalidRequest, match="nothing to compare"):
        SimilarityHead().expand(["source"], Similarity())


def test_states_of_windows_follow_each_other():
    states = Answer((np.zeros((3, 4), np.float32), np.ones((2, 4), np.float32)), ())

    (found,) = StatesHead().present([""], [states], States())

    assert [0, 0, 0, 1, 1] == found[:, 0].tolist()


PROMPTS = Prompts({"query": "query: ", "passage": "passage: "}, "passage")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("query", "query: x"), (None, "passage: x"), ("", "x")],
    ids=["named", "default", "none"],
)
def test_a_prompt_goes_before_every_text_but_not_before_ids(name, expected):
    assert [expected, (7, 8)] == list(PROMPTS.before(["x", (7, 8)], name))


def test_an_unknown_prompt_names_those_there_are():
    with pytest.raises(InvalidRequest, match="no prompt 'doc'; this model knows: 'query', 'pass"):
        PROMPTS.before(["x"], "doc")


@pytest.mark.parametrize("n_labels", [1, 2, 8, 9])
def test_a_text_alone_has_the_probabilities_that_it_has_in_company(n_labels):
    logits = np.random.default_rng(3).normal(0, 30, (5, n_labels)).astype(np.float32)

    alone = np.concatenate([softmax(row[None]) for row in logits])

    np.testing.assert_allclose(softmax(logits), alone, rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize(
    ("head", "task"),
    [
        (EmbedHead(normalize=True, dimensions=4), Embed(dimensions=5)),
        (EmbedHead(normalize=True, dimensions=4), Embed(numbers="binary")),
        (ClassifyHead(("a", "b")), Classify(scores="odd")),  # type: ignore[arg-type]  # that is the point
    ],
    ids=["dimensions", "bits", "scores"],
)
def test_what_cannot_be_presented_is_refused_before_anything_runs(head, task):
    with pytest.raises(InvalidRequest):
        head.expand(["a"], task)
