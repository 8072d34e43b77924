"""Cohere's own clients, LangChain's on top of them, and a request of Jina's, to a running server."""

from __future__ import annotations

from collections.abc import Mapping

import cohere
import pytest
from langchain_cohere import CohereRerank
from langchain_core.documents import Document
from tests.running import Server

import goldcrest
from goldcrest.artifact import Artifact
from goldcrest.config import Config

pytestmark = pytest.mark.integration

QUERY = "the fox"
DOCUMENTS = ["a lazy dog", "the quick brown fox jumps over", "it runs", "fox"]


@pytest.fixture(scope="module")
def ranking(every: Mapping[str, Artifact], config: Config) -> list[tuple[int, float]]:
    """What the library makes of the documents: index and score, best first."""
    with goldcrest.load(str(every["reranker"].folder), config, precision="f32") as model:
        scores = model.classify([(QUERY, one) for one in DOCUMENTS])
    found = [(index, next(iter(one.scores.values()))) for index, one in enumerate(scores)]
    return sorted(found, key=lambda one: -one[1])


@pytest.fixture(params=[cohere.Client, cohere.ClientV2], ids=["v1", "v2"])
def client(request, everything: Server):
    with request.param("none", base_url=everything.url) as connected:
        yield connected


def test_the_client_gets_the_documents_best_first(client, ranking) -> None:
    reply = client.rerank(model="reranker", query=QUERY, documents=DOCUMENTS)

    assert [index for index, _ in ranking] == [one.index for one in reply.results]


def test_the_client_gets_no_more_than_it_asks_for(client, ranking) -> None:
    reply = client.rerank(model="reranker", query=QUERY, documents=DOCUMENTS, top_n=2)

    assert [index for index, _ in ranking[:2]] == [one.index for one in reply.results]


def test_scores_lie_between_0_and_1_and_tokens_are_counted(client) -> None:
    reply = client.rerank(model="reranker", query=QUERY, documents=DOCUMENTS)

    assert all(0 <= one.relevance_score <= 1 for one in reply.results)
    assert reply.meta is not None
    assert reply.meta.tokens.input_tokens > len(DOCUMENTS)


def test_an_unknown_model_is_not_found(client) -> None:
    with pytest.raises(cohere.NotFoundError) as caught:
        client.rerank(model="nobody", query=QUERY, documents=DOCUMENTS)

    assert "no model named 'nobody'" in caught.value.body["message"]


def test_a_request_without_documents_is_refused(client) -> None:
    with pytest.raises(cohere.UnprocessableEntityError):
        client.rerank(model="reranker", query=QUERY, documents=[])


def test_the_first_client_gets_its_objects_back(everything: Server, ranking) -> None:
    documents = [{"text": text, "id": str(index)} for index, text in enumerate(DOCUMENTS)]

    with cohere.Client("none", base_url=everything.url) as client:
        reply = client.rerank(query=QUERY, documents=documents, return_documents=True)

    assert [(str(index), DOCUMENTS[index]) for index, _ in ranking] == [
        (one.document.id, one.document.text) for one in reply.results
    ]


def test_documents_are_cut_to_the_tokens_asked_for(everything: Server) -> None:
    with cohere.ClientV2("none", base_url=everything.url) as client:
        cut = client.rerank(
            model="reranker", query=QUERY, documents=["a b c d"], max_tokens_per_doc=2
        )
        short = client.rerank(model="reranker", query=QUERY, documents=["a b"])

    assert short.results == cut.results


def test_a_request_of_jina_is_answered_as_jina_does(everything: Server, ranking) -> None:
    status, reply = everything.call(
        "/v1/rerank",
        {"model": "reranker", "query": QUERY, "documents": DOCUMENTS, "return_documents": True},
    )

    assert status == 200
    assert [(index, {"text": DOCUMENTS[index]}) for index, _ in ranking] == [
        (one["index"], one["document"]) for one in reply["results"]
    ]
    assert ("reranker", True) == (reply["model"], reply["usage"]["total_tokens"] > 0)


def test_langchain_keeps_the_best_documents(everything: Server, ranking) -> None:
    with cohere.ClientV2("none", base_url=everything.url) as client:
        compressor = CohereRerank(model="reranker", client=client, top_n=2)
        kept = compressor.compress_documents([Document(one) for one in DOCUMENTS], QUERY)

    assert [DOCUMENTS[index] for index, _ in ranking[:2]] == [one.page_content for one in kept]
