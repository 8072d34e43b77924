"""The protocol of Text Embeddings Inference in process: forms of input, shapes, statuses."""

from typing import Any

import httpx2
import numpy as np
import pytest
from tests.answering import Answering, model, talking_to, tokenizer_of

from goldcrest import errors
from goldcrest.names import TaskName
from goldcrest.tasks import Classify, Embed, Rerank, Similarity, States
from goldcrest.values import EncodeOptions
from goldcrest.web.response import refusal
from goldcrest.web.tei.words import TEI

ROW = np.array([0.1, 0.9, 0.3], np.float32)


class Falling(Answering):
    """Gives the items of a request ever higher scores."""

    async def predict(self, request):
        reply = await super().predict(request)
        scores = np.arange(len(request.items), dtype=np.float32) / 10
        outputs = scores if request.task.name in ("rerank", "similarity") else reply.outputs
        return type(reply)(
            reply.model,
            outputs[1:] if request.task.name == "similarity" else outputs,
            reply.labels,
            reply.n_tokens,
            reply.n_dropped,
            reply.n_windows,
        )


@pytest.fixture
def answering(tiny_embedder):
    served = (
        model("embedder", "embed", "similarity", "states"),
        model("classifier", "classify", "rerank"),
    )
    outputs: dict[TaskName, Any] = {
        "embed": ROW,
        "similarity": ROW,
        "rerank": ROW,
        "classify": ROW,
        "states": np.stack([ROW, ROW]),
    }
    return Falling(served, outputs, words=tokenizer_of(tiny_embedder))


async def _ask(answering: Answering, path: str, **body: Any) -> httpx2.Response:
    async with talking_to(answering, max_items=4) as client:
        return await client.post(path, json=body)


@pytest.mark.parametrize(
    ("inputs", "items"),
    [
        ("a", ["a"]),
        (["a", "b"], ["a", "b"]),
        ([101, 102], [(101, 102)]),
        ([[101], [7, 8]], [(101,), (7, 8)]),
        (["a", [7, 8]], ["a", (7, 8)]),
    ],
    ids=["text", "texts", "ids", "lists of ids", "both"],
)
async def test_embed_takes_texts_and_token_ids(answering, inputs, items):
    await _ask(answering, "/embed", inputs=inputs)

    assert items == answering.asked[0].items


async def test_embed_answers_with_bare_vectors_in_short_numbers(answering):
    response = await _ask(answering, "/embed", inputs=["a", "b"])

    assert b"[[0.1,0.9,0.3],[0.1,0.9,0.3]]" == response.content


async def test_embed_passes_on_how_vectors_are_presented(answering):
    await _ask(answering, "/embed", inputs="a", normalize=False, dimensions=64, prompt_name="query")

    assert Embed(normalize=False, dimensions=64, prompt="query") == answering.asked[0].task


@pytest.mark.parametrize(
    ("truncate", "overflow"), [(None, "truncate"), (True, "truncate"), (False, "reject")]
)
async def test_texts_are_cut_unless_that_is_forbidden(answering, truncate, overflow):
    await _ask(answering, "/embed", inputs="a", truncate=truncate)

    assert EncodeOptions(None, overflow) == answering.asked[0].encode


async def test_fields_that_only_others_know_are_passed_over(answering):
    assert 200 == (await _ask(answering, "/embed", inputs="a", unheard_of=1)).status_code


async def test_embed_all_answers_with_a_matrix_per_text(answering):
    reply = (await _ask(answering, "/embed_all", inputs=["a", "b"])).json()

    assert (States(), (2, 2, 3)) == (answering.asked[0].task, np.array(reply).shape)


@pytest.mark.parametrize(
    ("inputs", "items"),
    [
        ("a", ["a"]),
        (["a", "b"], [("a", "b")]),
        ([["a"], ["b", "c"]], ["a", ("b", "c")]),
    ],
    ids=["text", "two texts are one pair", "a batch"],
)
async def test_predict_tells_texts_pairs_and_batches_apart(answering, inputs, items):
    await _ask(answering, "/predict", inputs=inputs)

    assert items == answering.asked[0].items


async def test_predict_answers_with_labels_best_first(answering):
    reply = (await _ask(answering, "/predict", inputs="a")).json()

    assert [
        {"score": 0.9, "label": "maybe"},
        {"score": 0.3, "label": "yes"},
        {"score": 0.1, "label": "no"},
    ] == reply


async def test_predict_answers_a_batch_with_a_list_per_item(answering):
    reply = (await _ask(answering, "/predict", inputs=[["a"], ["b", "c"]])).json()

    assert [3, 3] == [len(labels) for labels in reply]


async def test_predict_gives_bare_logits_if_asked_to(answering):
    await _ask(answering, "/predict", inputs="a", raw_scores=True)

    assert Classify(scores="none") == answering.asked[0].task


async def test_rerank_answers_with_places_best_first(answering):
    reply = (await _ask(answering, "/rerank", query="q", texts=["a", "b"])).json()

    assert [{"index": 1, "score": 0.1}, {"index": 0, "score": 0.0}] == reply


async def test_rerank_pairs_the_query_with_each_text(answering):
    await _ask(answering, "/rerank", query="q", texts=["a", "b"], raw_scores=True)

    asked = answering.asked[0]
    assert (Rerank(raw=True), [("q", "a"), ("q", "b")]) == (asked.task, asked.items)


async def test_rerank_returns_the_texts_if_asked_to(answering):
    reply = (await _ask(answering, "/rerank", query="q", texts=["a", "b"], return_text=True)).json()

    assert ["b", "a"] == [rank["text"] for rank in reply]


async def test_similarity_answers_with_a_number_per_sentence(answering):
    inputs = {"source_sentence": "a", "sentences": ["b", "c"]}

    reply = (await _ask(answering, "/similarity", inputs=inputs)).json()

    assert (Similarity(), ["a", "b", "c"]) == (answering.asked[0].task, answering.asked[0].items)
    assert [0.1, 0.2] == reply


async def test_tokenize_says_where_each_token_is(answering):
    (tokens,) = (await _ask(answering, "/tokenize", inputs="the day")).json()

    words = [(t["text"], t["special"], t["start"], t["stop"]) for t in tokens]
    assert [
        ("[CLS]", True, None, None),
        ("the", False, 0, 3),
        ("day", False, 4, 7),
        ("[SEP]", True, None, None),
    ] == words


async def test_tokenize_leaves_special_tokens_out_if_asked_to(answering):
    (tokens,) = (await _ask(answering, "/tokenize", inputs="the", add_special_tokens=False)).json()

    assert ["the"] == [token["text"] for token in tokens]


@pytest.mark.parametrize("is_listed", [False, True], ids=["ids", "lists of ids"])
async def test_decode_undoes_tokenize(answering, is_listed):
    (tokens,) = (await _ask(answering, "/tokenize", inputs="the day")).json()
    ids = [token["id"] for token in tokens]

    reply = (await _ask(answering, "/decode", ids=[ids] if is_listed else ids)).json()

    assert ["the day"] == reply


async def test_info_describes_the_first_model(answering):
    async with talking_to(answering, max_items=4) as client:
        info = (await client.get("/info")).json()

    assert ("embedder", {"embedding": {"pooling": ""}}, 64, 4) == (
        info["served_model_name"],
        info["model_type"],
        info["max_input_length"],
        info["max_client_batch_size"],
    )


@pytest.mark.parametrize(("is_ready", "status"), [(True, 200), (False, 503)])
async def test_health_is_good_when_every_model_is_warm(answering, is_ready, status):
    answering.is_ready = is_ready

    async with talking_to(answering) as client:
        assert status == (await client.get("/health")).status_code


@pytest.mark.parametrize(
    ("path", "body", "status", "kind"),
    [
        ("/embed", {"inputs": []}, 400, "Empty"),
        ("/rerank", {"query": "q", "texts": []}, 400, "Empty"),
        ("/similarity", {"inputs": {"source_sentence": "a", "sentences": []}}, 400, "Empty"),
        ("/tokenize", {"inputs": []}, 400, "Empty"),
        ("/decode", {"ids": []}, 400, "Empty"),
        ("/embed", {}, 422, "Validation"),
        ("/embed", {"inputs": [1, "a"]}, 422, "Validation"),
        ("/embed", {"inputs": [-1]}, 422, "Validation"),
        ("/embed", {"inputs": "a", "dimensions": 0}, 422, "Validation"),
        ("/embed", {"inputs": "a", "truncation_direction": "Left"}, 422, "Validation"),
        ("/embed", {"inputs": ["a"] * 5}, 422, "Validation"),
        ("/predict", {"inputs": ["a", "b", "c"]}, 422, "Validation"),
        ("/predict", {"inputs": [["a", "b", "c"]]}, 422, "Validation"),
        ("/decode", {"ids": [1, [2]]}, 422, "Validation"),
        ("/embed", {"inputs": "a", "model": "nobody"}, 404, "Validation"),
        ("/embed", {"inputs": "a" * 3_000_000}, 413, "Validation"),
    ],
)
async def test_a_faulty_request_gets_the_status_that_clients_of_tei_know(
    answering, path, body, status, kind
):
    response = await _ask(answering, path, **body)

    assert (status, kind) == (response.status_code, response.json()["error_type"])


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InputTooLong(600, 512), 422),
        (errors.Overloaded("full", 1.0), 429),
        (errors.UnsupportedTask("no reranker"), 424),
        (errors.EngineFailed("it broke"), 424),
        (errors.Loading("not yet"), 503),
        (errors.Unauthorized("who is there"), 401),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_errors_of_the_service_have_the_statuses_of_tei(error, status):
    assert status == refusal(error, TEI).status
