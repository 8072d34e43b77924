"""Hugging Face's own client against a running server, task by task."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from huggingface_hub import AsyncInferenceClient, InferenceClient, close_session
from huggingface_hub.errors import HfHubHTTPError
from tests.running import Server

import goldcrest
from goldcrest.artifact import Artifact
from goldcrest.config import Config

pytestmark = pytest.mark.integration

TEXT = "the quick brown fox"


@pytest.fixture(scope="module", autouse=True)
def _connections() -> Iterator[None]:
    """Closes the connections that all clients share."""
    yield
    close_session()


@pytest.fixture
def client(everything: Server) -> InferenceClient:
    """A client of the root, where inputs and parameters say what is meant."""
    return InferenceClient(model=everything.url)


@pytest.fixture
def named(everything: Server) -> Callable[[str], InferenceClient]:
    """Makes a client of one model."""
    return lambda name: InferenceClient(model=f"{everything.url}/models/{name}")


@pytest.fixture(scope="module")
def load(every: Mapping[str, Artifact], config: Config):
    """Opens a model in this process, to compare with."""
    return lambda name: goldcrest.load(str(every[name].folder), config, precision="f32")


def test_text_classification_at_the_root(client, load) -> None:
    with load("classifier") as model:
        expected = model.classify([TEXT])[0].scores

    found = client.text_classification(TEXT)

    assert sorted(expected.values(), reverse=True) == pytest.approx(
        [one.score for one in found], abs=1e-5
    )
    assert set(expected) == {one.label for one in found}


def test_text_classification_of_only_the_best_label_by_another_function(client) -> None:
    found = client.text_classification(TEXT, top_k=1, function_to_apply="none")

    assert 1 == len(found)


def test_text_classification_by_one_of_several_models(named) -> None:
    found = named("entailer").text_classification(TEXT)

    assert {"contradiction", "neutral", "entailment"} == {one.label for one in found}


def test_feature_extraction(client, named, load) -> None:
    with load("embedder") as model:
        expected = np.array(model.embed([TEXT, "a"]))

    at_root = client.feature_extraction([TEXT, "a"], normalize=True, truncate=True)
    by_name = named("embedder").feature_extraction([TEXT, "a"])

    np.testing.assert_allclose(expected, at_root, atol=1e-5)
    np.testing.assert_allclose(expected, by_name, atol=1e-5)


def test_feature_extraction_of_a_single_text_keeps_the_rows(named) -> None:
    found = named("embedder").feature_extraction(TEXT, dimensions=8)

    assert (1, 8) == found.shape


def test_sentence_similarity(client, load) -> None:
    with load("embedder") as model:
        source, *others = np.array(model.embed([TEXT, "a", TEXT]))

    found = client.sentence_similarity(TEXT, ["a", TEXT])

    assert [source @ other for other in others] == pytest.approx(found, abs=1e-5)


def test_token_classification(named) -> None:
    found = named("tagger").token_classification(
        TEXT, aggregation_strategy="none", ignore_labels=[]
    )

    assert TEXT.replace(" ", "") == "".join(TEXT[one.start : one.end] for one in found)
    assert all(one.entity and 0 < one.score <= 1 for one in found)


def test_token_classification_groups_unless_told_otherwise(client) -> None:
    found = client.token_classification(TEXT, ignore_labels=[], aggregation_strategy="simple")

    assert all(one.entity_group for one in found)


def test_token_classification_of_a_long_text_reaches_its_end(named) -> None:
    text = "fox " * 700

    found = named("tagger").token_classification(text, ignore_labels=[], stride=16)

    assert len(text.rstrip()) == found[-1].end


def test_question_answering_is_one_passage_of_the_context(client) -> None:
    found = client.question_answering("what jumps", TEXT)

    assert found.answer == TEXT[found.start : found.end]
    assert 0 < found.score <= 1


def test_question_answering_with_several_passages_sorts_them(client) -> None:
    found = client.question_answering("what jumps", TEXT, top_k=3, max_answer_len=2)

    scores = [one.score for one in found]
    assert (3, sorted(scores, reverse=True)) == (len(found), scores)


def test_question_answering_reads_a_long_context_in_windows(client) -> None:
    context = "dog " * 900 + "fox"

    found = client.question_answering(
        "what", context, doc_stride=16, max_seq_len=128, handle_impossible_answer=True
    )

    assert found.answer == context[found.start : found.end]


def test_fill_mask(client, named, every: Mapping[str, Artifact]) -> None:
    mask = every["filler"].manifest.mask_token
    found = named("filler").fill_mask(f"the {mask} fox", top_k=3)
    chosen = client.fill_mask(f"the {mask} fox", targets=["a", "b"])

    assert (3, 2) == (len(found), len(chosen))
    assert {"a", "b"} == {one.token_str for one in chosen}
    assert all(mask not in one.sequence for one in found)


def test_zero_shot_classification(client) -> None:
    found = client.zero_shot_classification(TEXT, ["dog", "fox", "a"])

    scores = [one.score for one in found]
    assert ({"dog", "fox", "a"}, sorted(scores, reverse=True)) == (
        {one.label for one in found},
        scores,
    )
    assert sum(scores) == pytest.approx(1, abs=1e-5)


def test_zero_shot_classification_with_labels_that_stand_alone(client) -> None:
    both = client.zero_shot_classification(
        TEXT, ["dog", "fox"], multi_label=True, hypothesis_template="it is {}"
    )
    alone = client.zero_shot_classification(TEXT, ["dog"], hypothesis_template="it is {}")

    scores = {one.label: one.score for one in both}
    assert scores["dog"] == pytest.approx(alone[0].score, abs=1e-5)


async def test_the_asynchronous_client_gets_the_same(everything: Server, client) -> None:
    async with AsyncInferenceClient(model=everything.url) as asynchronous:
        found = await asynchronous.text_classification(TEXT)

    assert client.text_classification(TEXT) == found


@pytest.mark.parametrize(
    ("ask", "status", "sentence"),
    [
        (lambda client: client.text_classification([]), 422, "no text"),
        (lambda client: client.fill_mask("a", targets=["no single token"]), 422, "target"),
        (
            lambda client: client.question_answering("a", "b", max_question_len=4),
            422,
            "max_question_len is not supported",
        ),
    ],
    ids=["empty", "target", "unsupported"],
)
def test_what_is_refused_is_told_with_its_sentence(
    client, ask: Any, status: int, sentence: str
) -> None:
    with pytest.raises(HfHubHTTPError, match=sentence) as caught:
        ask(client)

    assert status == caught.value.response.status_code


def test_a_model_that_is_not_served_is_not_found(named) -> None:
    with pytest.raises(HfHubHTTPError, match="no model named 'nobody'"):
        named("nobody").text_classification(TEXT)


def test_a_task_that_a_model_does_not_do_is_told(named) -> None:
    with pytest.raises(HfHubHTTPError, match="'classifier' does classify, not span"):
        named("classifier").question_answering("a", "b")
