"""The rerank protocol of Cohere and Jina in process."""

from typing import Any

import httpx2
import numpy as np
import pytest
from tests.answering import Answering, model, talking_to, tokenizer_of

from goldcrest.tasks import Reply, Request, Rerank
from goldcrest.values import EncodeOptions
from goldcrest.web.cohere import CohereRequest, best_first, first_tokens, text_of

PATHS = ("/v1/rerank", "/v2/rerank")


class Scoring(Answering):
    """Scores documents by their length."""

    async def predict(self, request: Request[Any]) -> Reply[Any]:
        reply = await super().predict(request)
        scores = [len(str(item[1])) / 100 for item in request.items]
        return Reply(
            reply.model,
            np.array(scores, np.float32),
            (),
            reply.n_tokens,
            reply.n_dropped,
            reply.n_windows,
        )


@pytest.fixture
def answering(tiny_embedder):
    served = (model("classifier", "classify"), model("reranker", "classify", "rerank"))
    return Scoring(served, {"rerank": np.float32(0)}, words=tokenizer_of(tiny_embedder))


async def _ask(answering: Answering, path: str = "/v2/rerank", **body: Any) -> httpx2.Response:
    async with talking_to(answering) as client:
        return await client.post(path, json={"query": "q", **body})


@pytest.mark.parametrize("path", PATHS)
async def test_documents_come_back_best_first(answering, path):
    reply = (await _ask(answering, path, documents=["a", "ccc", "bb"])).json()

    results = reply["results"]
    assert [1, 2, 0] == [one["index"] for one in results]
    assert [0.03, 0.02, 0.01] == pytest.approx([one["relevance_score"] for one in results])


async def test_each_document_is_paired_with_the_query(answering):
    await _ask(answering, documents=["a", "b"])

    assert (Rerank(), [("q", "a"), ("q", "b")]) == (
        answering.asked[0].task,
        answering.asked[0].items,
    )


async def test_only_as_many_as_asked_for_come_back(answering):
    reply = (await _ask(answering, documents=["a", "ccc", "bb"], top_n=1)).json()

    assert [1] == [one["index"] for one in reply["results"]]


async def test_documents_are_sent_back_whole_if_asked_for(answering):
    documents = ["aa", {"text": "a", "id": 7}]

    reply = (await _ask(answering, documents=documents, return_documents=True)).json()

    assert [{"text": "aa"}, {"text": "a", "id": 7}] == [one["document"] for one in reply["results"]]


async def test_documents_are_left_out_otherwise(answering):
    reply = (await _ask(answering, documents=["a"])).json()

    assert {"index", "relevance_score"} == set(reply["results"][0])


async def test_tokens_are_counted_for_the_clients_of_both(answering):
    reply = (await _ask(answering, "/v1/rerank", documents=["a", "b"])).json()

    assert ("1", 10, 10) == (
        reply["meta"]["api_version"]["version"],
        reply["meta"]["tokens"]["input_tokens"],
        reply["usage"]["total_tokens"],
    )


async def test_a_warning_and_a_header_say_that_documents_were_cut(answering):
    answering.n_dropped = 1

    response = await _ask(answering, documents=["a", "b"])

    assert ("2", 1) == (
        response.headers["x-goldcrest-truncated"],
        len(response.json()["meta"]["warnings"]),
    )


@pytest.mark.parametrize(
    ("option", "overflow"),
    [
        ({}, "truncate"),
        ({"max_chunks_per_doc": 1}, "truncate"),
        ({"max_chunks_per_doc": 10}, "window"),
        ({"overflow": "reject"}, "reject"),
    ],
)
async def test_long_documents_are_cut_unless_told_otherwise(answering, option, overflow):
    await _ask(answering, documents=["a"], **option)

    assert EncodeOptions(None, overflow) == answering.asked[0].encode


def test_the_named_fields_of_an_object_make_up_its_text():
    body = CohereRequest("q", [{"title": "T", "text": "body"}], rank_fields=["title", "text"])

    assert "T\nbody" == text_of(body, 0)


def test_a_field_that_is_named_often_is_read_once():
    body = CohereRequest("q", [{"text": "body"}], rank_fields=["text"] * 1000)

    assert "body" == text_of(body, 0)


def test_a_document_keeps_its_first_tokens(tiny_embedder):
    body = CohereRequest("q", [], max_tokens_per_doc=2)

    found = first_tokens(["a b c d", "a"], tokenizer_of(tiny_embedder), body)

    assert ["a b", "a"] == found


async def test_the_cut_documents_are_what_is_ranked(answering):
    await _ask(answering, documents=["a b c d"], max_tokens_per_doc=3)

    assert [("q", "a b c")] == answering.asked[0].items


def test_of_equal_scores_the_earlier_document_comes_first():
    assert [1, 0, 2] == best_first(np.array([0.5, 0.9, 0.5], np.float32), None)


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"documents": []}, 422, "no text"),
        ({"documents": [{"title": "T"}]}, 422, "document 0"),
        ({"documents": ["a"], "top_n": 0}, 422, "top_n"),
        ({"documents": ["a"], "rank_fields": ["t"] * 65}, 422, "rank_fields"),
        ({"documents": ["a"], "truncation": True}, 422, "truncation"),
        ({"documents": ["a"], "model": "nobody"}, 404, "nobody"),
    ],
)
async def test_a_faulty_request_is_told_where_both_kinds_of_clients_look(
    answering, body, status, named
):
    response = await _ask(answering, **body)

    reply = response.json()
    assert (status, True, True) == (
        response.status_code,
        named in reply["message"],
        named in reply["detail"],
    )
