"""OpenAI's protocol in process: forms of input, shapes of replies and errors."""

import base64
from typing import Any

import httpx2
import numpy as np
import pytest
from tests.answering import Answering, model, talking_to, tokenizer_of

from goldcrest import errors
from goldcrest.serving.keys import Keys
from goldcrest.tasks import Embed
from goldcrest.values import EncodeOptions
from goldcrest.web.openai import packed

VECTOR = np.array([0.5, -0.5, 0.5, 0.1], np.float32)


@pytest.fixture
def answering(tiny_embedder):
    served = (model("classifier", "classify"), model("embedder", "embed"))
    return Answering(served, {"embed": VECTOR}, words=tokenizer_of(tiny_embedder))


async def _ask(answering: Answering, path: str = "/v1/embeddings", **body: Any) -> httpx2.Response:
    async with talking_to(answering) as client:
        return await client.post(path, json=body)


@pytest.mark.parametrize("path", ["/v1/embeddings", "/embeddings"])
async def test_texts_get_a_numbered_vector_each(answering, path):
    reply = (await _ask(answering, path, input=["a", "b"])).json()

    assert reply == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": [0.5, -0.5, 0.5, 0.1]}
            for index in (0, 1)
        ],
        "model": "embedder",
        "usage": {"prompt_tokens": 10, "total_tokens": 10},
    }


async def test_base64_holds_the_same_numbers(answering):
    reply = (await _ask(answering, input="a", encoding_format="base64")).json()

    found = np.frombuffer(base64.b64decode(reply["data"][0]["embedding"]), "<f4")
    assert VECTOR.tolist() == found.tolist()


def test_base64_is_little_endian_whatever_the_array_is():
    swapped = VECTOR[None, ::-1].astype(">f4")[:, ::-1]

    assert [b'"' + base64.b64encode(VECTOR.astype("<f4").tobytes()) + b'"'] == [
        bytes(raw) for raw in packed(swapped)
    ]


@pytest.mark.parametrize(
    ("sent", "items"),
    [
        ("a", ["a"]),
        (["a", "b"], ["a", "b"]),
        ([101, 102], [(101, 102)]),
        ([[101], [7, 8]], [(101,), (7, 8)]),
    ],
    ids=["text", "texts", "ids", "lists of ids"],
)
async def test_every_form_of_input_is_understood(answering, sent, items):
    await _ask(answering, input=sent)

    assert items == answering.asked[0].items


@pytest.mark.parametrize("name", ["", None])
async def test_no_name_means_the_default_embedder(answering, name):
    assert "embedder" == (await _ask(answering, input="a", model=name)).json()["model"]


async def test_vectors_have_length_1_after_they_are_cut(answering):
    await _ask(answering, input="a", dimensions=2, prompt_name="query", user="somebody")

    assert Embed(True, 2, prompt="query") == answering.asked[0].task


async def test_long_texts_are_refused_unless_told_otherwise(answering):
    await _ask(answering, input="a")
    await _ask(answering, input="a", overflow="window")

    assert [EncodeOptions(None, "reject"), EncodeOptions(None, "window")] == [
        request.encode for request in answering.asked
    ]


async def test_a_header_counts_the_texts_that_were_cut(answering):
    answering.n_dropped = 3

    response = await _ask(answering, input=["a", "b"], overflow="truncate")

    assert "2" == response.headers["x-goldcrest-truncated"]


async def test_no_header_says_that_nothing_was_cut(answering):
    assert "x-goldcrest-truncated" not in (await _ask(answering, input="a")).headers


@pytest.mark.parametrize(
    ("body", "status", "param", "code"),
    [
        ({"input": "a", "model": "nobody"}, 404, "model", "model_not_found"),
        ({"input": []}, 400, "input", "empty_input"),
        ({"input": ["a", 1]}, 400, None, "invalid_request"),
        ({"input": "a", "temperature": 1}, 400, None, "invalid_request"),
        ({"input": "a", "encoding_format": "hex"}, 400, None, "invalid_request"),
    ],
)
async def test_a_faulty_request_is_told_in_the_shape_of_openai(
    answering, body, status, param, code
):
    response = await _ask(answering, **body)

    error = response.json()["error"]
    assert (status, "invalid_request_error", param, code) == (
        response.status_code,
        error["type"],
        error["param"],
        error["code"],
    )


async def test_a_field_that_is_not_known_is_named(answering):
    response = await _ask(answering, input="a", truncate_prompt_tokens=5)

    assert "truncate_prompt_tokens" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("error", "status", "kind", "code"),
    [
        (errors.InputTooLong(99, 64), 400, "invalid_request_error", "context_length_exceeded"),
        (errors.Overloaded("full", 1), 429, "rate_limit_error", "rate_limit_exceeded"),
        (errors.EngineFailed("it broke"), 500, "server_error", "engine_failed"),
        (errors.Loading("not yet"), 503, "server_error", "loading"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_an_error_of_the_service_has_the_type_that_clients_know(
    answering, error, status, kind, code
):
    answering.error = error

    response = await _ask(answering, input="a")

    assert (status, {"message": str(error), "type": kind, "param": None, "code": code}) == (
        response.status_code,
        response.json()["error"] | ({"param": None}),
    )


async def test_a_caller_without_a_key_is_told_as_openai_does(answering):
    async with talking_to(answering, Keys({"somebody": "00" * 32})) as client:
        response = await client.post("/v1/embeddings", json={"input": "a"})

    assert (401, "invalid_api_key") == (response.status_code, response.json()["error"]["code"])


async def test_one_model_is_described_as_in_the_list(answering):
    async with talking_to(answering) as client:
        listed = (await client.get("/v1/models")).json()["data"]
        found = (await client.get("/v1/models/embedder")).json()

    assert found == listed[1]


async def test_an_unknown_model_is_not_found(answering):
    async with talking_to(answering) as client:
        response = await client.get("/v1/models/org/nobody")

    assert (404, "model_not_found") == (response.status_code, response.json()["error"]["code"])
