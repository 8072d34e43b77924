"""OpenAI's own client, and LangChain's on top of it, against a running server."""

from __future__ import annotations

from collections.abc import Mapping

import httpx2
import numpy as np
import openai
import pytest
from langchain_openai import OpenAIEmbeddings
from pydantic import SecretStr
from tests.running import Server

import goldcrest
from goldcrest.artifact import Artifact
from goldcrest.config import Config

pytestmark = pytest.mark.integration

TOO_LONG = "a " * 600


@pytest.fixture
def client(everything: Server):
    with openai.OpenAI(base_url=everything.url + "/v1", api_key="none", max_retries=0) as connected:
        yield connected


@pytest.fixture(scope="module")
def vectors(every: Mapping[str, Artifact], config: Config):
    """What the library makes of two texts."""
    with goldcrest.load(str(every["embedder"].folder), config, precision="f32") as model:
        return np.array(model.embed(["the quick fox", "a dog"]))


def test_embeddings_are_those_of_the_library(client, vectors) -> None:
    reply = client.embeddings.create(model="embedder", input=["the quick fox", "a dog"])

    found = np.array([one.embedding for one in reply.data])
    assert ([0, 1], "embedder") == ([one.index for one in reply.data], reply.model)
    np.testing.assert_allclose(vectors, found, atol=1e-5)


def test_base64_and_float_give_the_same_numbers(client) -> None:
    texts = ["the quick fox", "a dog"]

    packed = client.embeddings.create(model="embedder", input=texts)  # its default is base64
    plain = client.embeddings.create(model="embedder", input=texts, encoding_format="float")

    for one, other in zip(packed.data, plain.data, strict=True):
        np.testing.assert_allclose(one.embedding, other.embedding, atol=1e-6)


def test_token_ids_stand_for_their_text(client) -> None:
    by_text = client.embeddings.create(model="embedder", input="")
    ids = client.embeddings.create(model="embedder", input=[[2, 3]])

    assert by_text.usage.prompt_tokens == ids.usage.prompt_tokens == 2


def test_a_vector_that_is_cut_has_length_1_again(client, vectors) -> None:
    reply = client.embeddings.create(model="embedder", input="the quick fox", dimensions=8)

    expected = vectors[0, :8] / np.linalg.norm(vectors[0, :8])
    np.testing.assert_allclose(expected, reply.data[0].embedding, atol=1e-5)


def test_usage_counts_the_tokens_that_were_run(client) -> None:
    reply = client.embeddings.create(model="embedder", input=["a", "a b"])

    assert 3 + 4 == reply.usage.prompt_tokens == reply.usage.total_tokens


def test_an_empty_name_means_the_default_model(client) -> None:
    assert "embedder" == client.embeddings.create(model="", input="a").model


async def test_the_asynchronous_client_gets_the_same(everything: Server, vectors) -> None:
    async with openai.AsyncOpenAI(base_url=everything.url + "/v1", api_key="none") as client:
        reply = await client.embeddings.create(model="embedder", input="the quick fox")

    np.testing.assert_allclose(vectors[0], reply.data[0].embedding, atol=1e-5)


def test_an_unknown_model_is_not_found(client) -> None:
    with pytest.raises(openai.NotFoundError, match="no model named 'nobody'") as caught:
        client.embeddings.create(model="nobody", input="a")

    assert ("model", "model_not_found") == (caught.value.param, caught.value.code)


def test_a_model_that_does_not_embed_is_not_found_either(client) -> None:
    with pytest.raises(openai.NotFoundError, match="'classifier' does classify"):
        client.embeddings.create(model="classifier", input="a")


def test_too_long_a_text_is_a_bad_request_that_names_the_limit(client) -> None:
    with pytest.raises(openai.BadRequestError, match="item 1 has 602 tokens") as caught:
        client.embeddings.create(model="embedder", input=["a", TOO_LONG])

    assert ("input", "context_length_exceeded") == (caught.value.param, caught.value.code)


def test_too_long_a_text_is_cut_if_asked_for_and_a_header_says_so(client) -> None:
    reply = client.embeddings.with_raw_response.create(
        model="embedder", input=["a", TOO_LONG], extra_body={"overflow": "truncate"}
    )

    assert ("1", 2) == (reply.headers["x-goldcrest-truncated"], len(reply.parse().data))


def test_too_long_a_text_is_read_in_windows_if_asked_for(client) -> None:
    reply = client.embeddings.create(
        model="embedder", input=TOO_LONG, extra_body={"overflow": "window"}
    )

    assert reply.usage.prompt_tokens > 602
    assert np.linalg.norm(reply.data[0].embedding) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("dimensions", [0, 10_000])
def test_dimensions_that_there_are_not_are_a_bad_request(client, dimensions) -> None:
    with pytest.raises(openai.BadRequestError, match="dimensions"):
        client.embeddings.create(model="embedder", input="a", dimensions=dimensions)


def test_the_models_are_listed_and_described(client) -> None:
    listed = [one.id for one in client.models.list()]

    assert "embedder" in listed
    assert "embedder" == client.models.retrieve("embedder").id


def test_a_model_that_is_not_served_is_not_described(client) -> None:
    with pytest.raises(openai.NotFoundError, match="no model named 'org/nobody'"):
        client.models.retrieve("org/nobody")


def test_langchain_embeds_documents_and_queries(everything: Server, vectors) -> None:
    with httpx2.Client() as connections:
        embeddings = OpenAIEmbeddings(
            model="embedder",
            base_url=everything.url + "/v1",
            api_key=SecretStr("none"),
            check_embedding_ctx_length=False,
            http_client=connections,
        )

        found = embeddings.embed_documents(["the quick fox", "a dog"])
        query = embeddings.embed_query("a dog")

    np.testing.assert_allclose(vectors, found, atol=1e-5)
    np.testing.assert_allclose(vectors[1], query, atol=1e-5)
