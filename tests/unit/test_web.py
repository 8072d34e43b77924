"""The HTTP door in process: shapes, limits and errors."""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import httpx2
import numpy as np
import pytest
from starlette.types import Receive, Scope, Send

from goldcrest import errors
from goldcrest.config import WebConfig
from goldcrest.errors import ServingError
from goldcrest.metrics import Metrics
from goldcrest.serving.service import Service
from goldcrest.values import EncodeOptions, Predict, Reply, Request, ServedModel
from goldcrest.web.app import create
from goldcrest.web.response import refusal, status_of

CLASSIFIER = ServedModel(
    "sentiment", "classify", ("NEGATIVE", "POSITIVE"), 0, "int8", 512, "d1", "s", True, True
)
CONFIG = WebConfig(max_items=4, max_body_bytes=1024)


@dataclass
class Fake:
    """A predict that keeps what it was asked, and a catalogue of one model."""

    is_ready: bool = True
    asked: list[Request] = field(default_factory=list)

    def models(self) -> tuple[ServedModel, ...]:
        return (CLASSIFIER,)

    async def predict(self, request: Request) -> Reply:
        self.asked.append(request)
        n = len(request.items)
        outputs = np.tile(np.array([[0.1, 0.9]], np.float32), (n, 1))
        return Reply(
            "sentiment", outputs, ("NEGATIVE", "POSITIVE"), (5,) * n, (0,) * (n - 1) + (2,)
        )


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture
def service(fake: Fake) -> Service:
    return Service(fake.predict, fake)


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx2.AsyncClient]:
    async with _client(service) as client:
        yield client


def _client(service: Service) -> httpx2.AsyncClient:
    app = create(service, CONFIG, Metrics(version="1"))
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test")


def _raising(error: Exception) -> Predict:
    async def predict(_: Request) -> Reply:
        raise error

    return predict


async def test_a_text_gets_one_row_with_labels(client):
    response = await client.post("/classify", json={"text": "fine"})

    assert {
        "predictions": [[0.1, 0.9]],
        "labels": ["NEGATIVE", "POSITIVE"],
        "truncated": [True],
        "model": "sentiment",
    } == response.json()


async def test_texts_get_a_row_each_and_say_which_were_cut(client):
    reply = (await client.post("/classify", json={"text": ["a", "b"]})).json()

    assert (2, [False, True]) == (len(reply["predictions"]), reply["truncated"])


async def test_numbers_are_as_short_as_float32_allows(client):
    response = await client.post("/classify", json={"text": "fine"})

    assert b"[[0.1,0.9]]" in response.content


async def test_what_is_asked_reaches_the_service(client, fake):
    body = {"text": "a", "max_length": 7, "model": "sentiment", "truncate": False}

    await client.post("/classify", json=body)

    assert [
        Request("classify", ["a"], model="sentiment", encode=EncodeOptions(7, "reject"))
    ] == fake.asked


async def test_texts_are_cut_at_128_tokens_unless_told_otherwise(client, fake):
    await client.post("/classify", json={"text": "a"})

    assert EncodeOptions(128, "truncate") == fake.asked[0].encode


@pytest.mark.parametrize(
    ("inputs", "items"),
    [
        ("a", ["a"]),
        (["a", "b"], ["a", "b"]),
        ([101, 102], [(101, 102)]),
        ([[101], [7, 8]], [(101,), (7, 8)]),
    ],
    ids=["text", "texts", "ids", "lists of ids"],
)
async def test_embed_takes_texts_and_token_ids(client, fake, inputs, items):
    await client.post("/embed", json={"inputs": inputs})

    assert items == fake.asked[0].items


async def test_embed_answers_with_bare_vectors(client):
    response = await client.post("/embed", json={"inputs": ["a", "b"]})

    assert [[0.1, 0.9], [0.1, 0.9]] == response.json()


async def test_embed_passes_on_how_vectors_are_presented(client, fake):
    await client.post("/embed", json={"inputs": "a", "normalize": False, "dimensions": 64})

    assert {"normalize": False, "dimensions": 64} == fake.asked[0].present


@pytest.mark.parametrize(
    ("truncate", "overflow"), [(None, "truncate"), (True, "truncate"), (False, "reject")]
)
async def test_embed_cuts_unless_forbidden(client, fake, truncate, overflow):
    await client.post("/embed", json={"inputs": "a", "truncate": truncate})

    assert EncodeOptions(None, overflow) == fake.asked[0].encode


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ({"truncation_direction": "Left"}, "only 'right' is"),
        ({"prompt_name": "query"}, "put the prompt before the text"),
    ],
    ids=["direction", "prompt"],
)
async def test_embed_refuses_what_it_does_not_support_with_a_sentence(client, option, sentence):
    response = await client.post("/embed", json={"inputs": "a", **option})

    assert 422 == response.status_code
    assert sentence in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/classify", b"{", 400, "malformed_request"),
        ("/classify", b"", 400, "malformed_request"),
        ("/classify", b'{"text": "\xff"}', 400, "malformed_request"),
        ("/classify", b'{"text": "half \\ud800 pair of surrogates"}', 400, "malformed_request"),
        ("/classify", b"{}", 422, "invalid_request"),
        ("/classify", b'{"text": 3}', 422, "invalid_request"),
        ("/classify", b'{"text": "a", "maxlength": 3}', 422, "invalid_request"),
        ("/classify", b'{"text": "a", "max_length": 0}', 422, "invalid_request"),
        ("/classify", b'{"text": []}', 422, "empty_input"),
        ("/classify", b'{"text": ["a", "a", "a", "a", "a"]}', 422, "too_many_items"),
        ("/embed", b'{"inputs": []}', 422, "empty_input"),
        ("/embed", b'{"inputs": [1, "a"]}', 422, "invalid_request"),
        ("/embed", b'{"inputs": [-1]}', 422, "invalid_request"),
        ("/embed", b'{"inputs": "a", "dimensions": 0}', 422, "invalid_request"),
        ("/classify", b'{"text": "' + b"a" * 2000 + b'"}', 413, "body_too_large"),
    ],
)
async def test_a_faulty_request_gets_its_status_and_code(client, path, body, status, code):
    response = await client.post(path, content=body)

    assert (status, code) == (response.status_code, response.json()["error"]["code"])


async def test_a_wrong_type_is_told_with_its_place(client):
    response = await client.post("/classify", json={"text": ["a", 3]})

    assert "Expected `str`, got `int` - at `$.text[1]`" in response.json()["error"]["message"]


async def test_a_body_that_grows_too_large_is_refused_though_none_was_declared(client):
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 500

    response = await client.post("/classify", content=chunks())

    assert 413 == response.status_code


async def test_a_body_may_come_in_chunks(client):
    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"text"'
        yield b': "a"}'

    response = await client.post("/classify", content=chunks())

    assert 200 == response.status_code


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InputTooLong(600, 512), 422),
        (errors.UnknownModel("x", ("sentiment",)), 404),
        (errors.UnsupportedTask("no model embeds"), 404),
        (errors.Overloaded("full", 2.3), 429),
        (errors.DeadlineExceeded(0.1), 504),
        (errors.Loading("not yet"), 503),
        (errors.EngineFailed("it broke"), 500),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_an_error_of_the_service_is_told_with_its_status(error, status):
    async with _client(Service(_raising(error), Fake())) as client:
        response = await client.post("/classify", json={"text": "a"})

    assert (status, {"error": {"code": error.code, "message": str(error)}}) == (
        response.status_code,
        response.json(),
    )


def _leaves(kind: type[ServingError]) -> list[type[ServingError]]:
    below = kind.__subclasses__()
    return [leaf for child in below for leaf in _leaves(child)] if below else [kind]


@pytest.mark.parametrize("kind", _leaves(ServingError), ids=lambda kind: kind.__name__)
def test_every_serving_error_has_a_status(kind):
    assert status_of(kind) in {400, 404, 413, 422, 429, 500, 503, 504}


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (errors.Overloaded("full", 2.3), b"3"),
        (errors.Overloaded("full", 0.01), b"1"),
        (errors.Loading("not yet", 4.0), b"4"),
        (errors.Draining("ending"), b"1"),
    ],
)
def test_who_may_come_back_is_told_when(error, seconds):
    assert ((b"retry-after", seconds),) == refusal(error).headers


async def test_an_unexpected_failure_tells_the_caller_nothing_of_the_inside(caplog):
    service = Service(_raising(KeyError("/secret/path")), Fake())

    async with _client(service) as client:
        response = await client.post("/classify", json={"text": "a"})

    assert (500, "internal") == (response.status_code, response.json()["error"]["code"])
    assert "secret" not in response.text


async def test_an_unexpected_failure_is_logged_once_under_the_id_the_caller_gets(caplog):
    service = Service(_raising(KeyError("x")), Fake())

    async with _client(service) as client:
        response = await client.post("/classify", json={"text": "a"})

    records = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert 1 == len(records)
    assert response.headers["x-request-id"] in records[0].getMessage()


async def test_the_request_id_of_the_caller_comes_back(client):
    response = await client.post(
        "/classify", json={"text": "a"}, headers={"x-request-id": "mine-1"}
    )

    assert "mine-1" == response.headers["x-request-id"]


@pytest.mark.parametrize("value", ["a" * 129, "é"], ids=["long", "not ascii"])
async def test_an_odd_request_id_is_not_sent_back(client, value):
    headers = {b"x-request-id": value.encode("latin-1")}

    response = await client.post("/classify", json={"text": "a"}, headers=headers)

    assert "x-request-id" not in response.headers


async def test_an_unknown_path_is_told_in_our_shape(client):
    response = await client.get("/nope")

    assert (404, "unknown_path") == (response.status_code, response.json()["error"]["code"])


async def test_a_wrong_method_names_the_right_one(client):
    response = await client.get("/classify")

    assert (405, "POST", "method_not_allowed") == (
        response.status_code,
        response.headers["allow"],
        response.json()["error"]["code"],
    )


async def test_the_models_are_listed_as_openai_clients_expect(client):
    reply = (await client.get("/v1/models")).json()

    assert ("list", "sentiment", "model") == (
        reply["object"],
        reply["data"][0]["id"],
        reply["data"][0]["object"],
    )


async def test_a_listed_model_says_what_it_can(client):
    entry = (await client.get("/v1/models")).json()["data"][0]

    assert ("classify", ["NEGATIVE", "POSITIVE"], 512) == (
        entry["task"],
        entry["labels"],
        entry["max_length"],
    )


async def test_it_is_live_while_it_loads(client, fake):
    fake.is_ready = False

    assert 200 == (await client.get("/health/live")).status_code


async def test_it_is_ready_when_the_service_is(client):
    response = await client.get("/health/ready")

    assert (200, "ready") == (response.status_code, response.json()["status"])


async def test_it_is_not_ready_while_it_loads(client, fake):
    fake.is_ready = False

    response = await client.get("/health/ready")

    assert (503, "loading", "1") == (
        response.status_code,
        response.json()["status"],
        response.headers["retry-after"],
    )


async def test_it_is_not_ready_while_it_drains(client, service):
    service.drain()

    response = await client.get("/health/ready")

    assert (503, "draining") == (response.status_code, response.json()["status"])


async def test_a_prediction_is_refused_while_it_drains(client, service):
    service.drain()

    response = await client.post("/classify", json={"text": "a"})

    assert (503, "draining") == (response.status_code, response.json()["error"]["code"])


async def test_metrics_are_scraped_as_text(client):
    response = await client.get("/metrics")

    assert response.headers["content-type"].startswith("text/plain; version=")
    assert 'goldcrest_info{version="1"} 1.0' in response.text


async def test_the_description_holds_every_row_of_the_table(client):
    paths = (await client.get("/openapi.json")).json()["paths"]

    assert {
        "/classify",
        "/embed",
        "/v1/models",
        "/health/live",
        "/health/ready",
        "/metrics",
    } == set(paths)


async def test_every_reference_of_the_description_leads_somewhere(client):
    document = (await client.get("/openapi.json")).json()

    text = json.dumps(document)
    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named == named & set(document["components"]["schemas"])


async def test_the_page_about_it_needs_no_other_host(client):
    page = await client.get("/docs")

    assert 200 == page.status_code
    assert "http://" not in page.text
    assert "https://" not in page.text


async def test_the_root_leads_to_the_page(client):
    assert "/docs" == (await client.get("/")).headers["location"]


async def test_middleware_that_somebody_adds_sees_the_hot_routes(service):
    seen: list[str] = []

    def noting(app: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
            seen.append(scope["path"])
            await app(scope, receive, send)

        return middleware

    app = create(service, CONFIG, Metrics(version="1"))
    app.add_middleware(noting)
    transport = httpx2.ASGITransport(app)

    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        await client.post("/classify", json={"text": "a"})

    assert ["/classify"] == seen
