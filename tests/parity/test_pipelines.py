"""Every task against transformers' own pipeline for it, on the same random checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.checkpoints import change_config
from tests.parity.record import record_parity

import goldcrest
from goldcrest.config import Config
from goldcrest.testing import random_checkpoint

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

pytestmark = [
    pytest.mark.parity,
    pytest.mark.filterwarnings("ignore:Tokenizer does not support real words"),
]

TOLERANCE = 1e-4
FAMILIES = ("distilbert", "bert", "roberta")
TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "MISC")
ENTAILMENT = ("contradiction", "neutral", "entailment")
TEXTS = (
    "The food was very good, but the service is slow.",
    "I would never recommend this place again!!",
    "it's a wonderful day in the film",
    "good",
    "Caf\u00e9 \u2603 na\u00efve\u2026 staff-friendly; worth the money",
    "a calm night  and\tan awful price\nby 2 people",
)
PAIRS = (
    ("Was the food good?", "The food was very good, but the service is slow."),
    ("who is happy", "the staff is happy and friendly"),
    ("time", "It is the wonderful time of day. " * 3),
)

Both = tuple[goldcrest.Model, Any]
"""Ours and the pipeline."""
Make = Callable[..., Both]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory, config: Config) -> Iterator[Make]:
    """Both of a random checkpoint, which is made once."""
    made: dict[str, Both] = {}

    def both(pipeline: str, changes: dict[str, Any] | None = None, **sizes: Any) -> Both:
        key = f"{pipeline} {changes} {sizes}"
        if key not in made:
            folder = random_checkpoint(tmp_path_factory.mktemp("checkpoint"), **sizes)
            change_config(folder, **(changes or {}))
            made[key] = (
                goldcrest.load(str(folder), config, precision="f32"),
                reference(pipeline, folder),
            )
        return made[key]

    yield both
    for ours, _ in made.values():
        ours.close()


def reference(pipeline: str, folder: Path) -> Any:
    return transformers.pipeline(
        pipeline,
        model=str(folder),
        tokenizer=str(folder),
        dtype=torch.float32,
        device="cpu",
        model_kwargs={"attn_implementation": "eager"},
    )


def named(labels: Sequence[str]) -> dict[str, Any]:
    """What a config says of labels."""
    return {
        "id2label": {str(index): label for index, label in enumerate(labels)},
        "label2id": {label: index for index, label in enumerate(labels)},
    }


def assert_near(expected: Any, real: Any, family: str = "", task: str = "") -> None:
    """Numbers within the tolerance of the largest; how near is kept for the docs' table."""
    wanted, found = np.asarray(expected, np.float64), np.asarray(real, np.float64)
    assert wanted.shape == found.shape
    figure = float(np.abs(found - wanted).max() / np.abs(wanted).max())
    assert figure <= TOLERANCE
    if task:
        record_parity(family, task, "f32", figure)


# classify


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("n_labels", "problem"),
    [
        (3, None),
        (3, "multi_label_classification"),
        (2, "regression"),
        (1, None),
        (1, "regression"),
    ],
    ids=["single", "multi", "regression", "one label", "one number"],
)
def test_classify_equals_text_classification(make: Make, family, n_labels, problem):
    changes = {"problem_type": problem} if problem else {}
    ours, theirs = make("text-classification", changes, family=family, n_labels=n_labels)

    found = ours.classify(TEXTS)

    for one, expected in zip(found, theirs(list(TEXTS), top_k=None), strict=True):
        scores = {row["label"]: row["score"] for row in expected}
        assert expected[0]["label"] == one.label
        assert_near(
            [scores[name] for name in one.scores], list(one.scores.values()), family, "classify"
        )


@pytest.mark.parametrize("scores", ["softmax", "sigmoid", "none"])
def test_scores_equal_the_function_to_apply(make: Make, scores):
    ours, theirs = make("text-classification", family="bert", n_labels=3)

    found = ours.classify(TEXTS[:1], scores=scores)[0].scores

    expected = theirs(TEXTS[0], top_k=None, function_to_apply=scores)
    assert_near([row["score"] for row in expected], [found[row["label"]] for row in expected])


@pytest.mark.parametrize("family", FAMILIES)
def test_pairs_equal_text_and_text_pair(make: Make, family):
    ours, theirs = make("text-classification", family=family, n_labels=3)

    found = [one.score for one in ours.classify(PAIRS)]

    pairs = [{"text": first, "text_pair": second} for first, second in PAIRS]
    assert_near([theirs([pair])[0]["score"] for pair in pairs], found)


# rerank, zero-shot


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("raw", [True, False])
def test_rerank_equals_the_arithmetic_of_a_cross_encoder(make: Make, family, raw):
    ours, theirs = make("text-classification", family=family, n_labels=1)

    found = ours.rerank(PAIRS[0][0], [text for _, text in PAIRS], raw=raw)

    inputs = theirs.tokenizer(
        [(PAIRS[0][0], text) for _, text in PAIRS],
        padding=True,
        truncation="longest_first",
        return_tensors="pt",
    )
    with torch.no_grad():
        logits = theirs.model(**inputs).logits[:, 0]
    assert_near(logits if raw else torch.sigmoid(logits), found, family, "rerank")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("names", [ENTAILMENT, ENTAILMENT[::-1]], ids=["last", "first"])
@pytest.mark.parametrize("multi_label", [True, False])
@pytest.mark.parametrize("labels", [["good", "slow service", "film"], ["good"]], ids=len)
def test_zero_shot_equals_its_pipeline(make: Make, family, names, multi_label, labels):
    changes = named(names)
    ours, theirs = make("zero-shot-classification", changes, family=family, n_labels=3)
    template = "It is about {}!"

    found = ours.zero_shot(TEXTS, labels, template=template, multi_label=multi_label)

    expected = theirs(list(TEXTS), labels, hypothesis_template=template, multi_label=multi_label)
    for one, row in zip(found, expected, strict=True):
        assert row["labels"][0] == one.label
        scores = [one.scores[label] for label in row["labels"]]
        assert_near(row["scores"], scores, family, "zero_shot")


# tokens


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("aggregation", ["none", "simple", "first", "average", "max"])
@pytest.mark.parametrize("ignored", [("O",), (), ("PER", "B-PER")], ids=["O", "none", "some"])
def test_tag_equals_token_classification(make: Make, family, aggregation, ignored):
    changes = named(TAGS)
    ours, theirs = make(
        "token-classification", changes, family=family, task="tokens", n_labels=len(TAGS)
    )
    texts = TEXTS if aggregation in ("none", "simple") else TEXTS[:4]

    found = ours.tag(texts, aggregation=aggregation, ignored=ignored)

    for text, entities in zip(texts, found, strict=True):
        expected = theirs(text, aggregation_strategy=aggregation, ignore_labels=list(ignored))
        assert [as_entity(row) for row in expected] == [
            (one.label, one.word, one.start, one.end, one.index) for one in entities
        ]
        if expected:
            scores = [row["score"] for row in expected]
            assert_near(scores, [one.score for one in entities], family, "tokens")


def as_entity(row: dict[str, Any]) -> tuple[Any, ...]:
    label = row["entity"] if "entity" in row else row["entity_group"]
    return label, row["word"], row["start"], row["end"], row.get("index")


# fill


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "text", ["the food is {}.", "{} Caf\u00e9 was {}, {} bad"], ids=["one", "more"]
)
@pytest.mark.parametrize("top_k", [1, 7])
def test_fill_equals_fill_mask(make: Make, family, text, top_k):
    ours, theirs = make("fill-mask", family=family, task="fill")
    text = text.replace("{}", theirs.tokenizer.mask_token)

    (found,) = ours.fill([text], top_k=top_k)

    expected = theirs(text, top_k=top_k)
    masks = expected if isinstance(expected[0], list) else [expected]
    for fillings, rows in zip(found, masks, strict=True):
        assert [as_filling(row) for row in rows] == [
            (one.token_id, one.token, one.text) for one in fillings
        ]
        assert_near([row["score"] for row in rows], [one.score for one in fillings], family, "fill")


def as_filling(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["token"], row["token_str"], row["sequence"]


@pytest.mark.parametrize(
    ("family", "targets"),
    [("bert", ["good", "##ing", "slow"]), ("roberta", [" good", "\u0120slow", "a", "a"])],
)
@pytest.mark.parametrize("top_k", [2, 9])
def test_targets_equal_those_of_fill_mask(make: Make, family, targets, top_k):
    ours, theirs = make("fill-mask", family=family, task="fill")
    text = f"the food is {theirs.tokenizer.mask_token}."

    ((found,),) = ours.fill([text], top_k=top_k, targets=targets)

    expected = theirs(text, top_k=top_k, targets=targets)
    assert [as_filling(row) for row in expected] == [
        (one.token_id, one.token, one.text) for one in found
    ]
    assert_near([row["score"] for row in expected], [one.score for one in found])


# embed, states, similarity


@pytest.mark.parametrize("family", FAMILIES)
def test_states_equal_feature_extraction(make: Make, family):
    ours, theirs = make("feature-extraction", family=family, pooling="mean")

    for found, expected in zip(ours.states(TEXTS), theirs(list(TEXTS)), strict=True):
        assert_near(expected[0], found, family, "states")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pooling", ["cls", "mean", "max"])
@pytest.mark.parametrize("normalize", [True, False])
def test_embed_equals_what_sentence_transformers_defines(make: Make, family, pooling, normalize):
    ours, theirs = make("feature-extraction", family=family, pooling=pooling, normalize=normalize)

    found = ours.embed(TEXTS)

    states = [np.array(rows[0]) for rows in theirs(list(TEXTS))]
    vectors = np.stack(
        [{"cls": rows[0], "mean": rows.mean(0), "max": rows.max(0)}[pooling] for rows in states]
    )
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    assert_near(vectors / lengths if normalize else vectors, found, family, "embed")


@pytest.mark.parametrize("family", FAMILIES)
def test_similarity_is_the_cosine_of_embeddings(make: Make, family):
    ours, theirs = make("feature-extraction", family=family, pooling="mean")

    found = ours.similarity(TEXTS[0], TEXTS[1:])

    vectors = np.stack([np.array(rows[0]).mean(0) for rows in theirs(list(TEXTS))])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert_near(vectors[1:] @ vectors[0], found, family, "similarity")
