"""The HTTP door in process: shapes, limits and errors."""

import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx2
import msgspec
import numpy as np
import pytest
from starlette.types import Message, Receive, Scope, Send
from tests.answering import Answering, model

from goldcrest import errors
from goldcrest.config import WebConfig
from goldcrest.errors import ServingError
from goldcrest.metrics import Metrics
from goldcrest.serving.keys import Keys, fresh_key
from goldcrest.serving.service import Service
from goldcrest.tasks import Classify, Reply, Request
from goldcrest.values import EncodeOptions
from goldcrest.web.app import ENDPOINTS, create
from goldcrest.web.response import Response, refusal, status_of

CONFIG = WebConfig(max_items=4, max_body_bytes=1024)


class Fake(Answering):
    """Answers everything with one row, and cuts the last item."""

    async def predict(self, request: Request[Any]) -> Reply[Any]:
        reply = await super().predict(request)
        return replace(reply, n_dropped=(0,) * (len(request.items) - 1) + (2,))


@pytest.fixture
def fake() -> Fake:
    labelled = replace(model("sentiment", "classify"), labels=("NEGATIVE", "POSITIVE"))
    return Fake((labelled,), {"classify": np.array([0.1, 0.9], np.float32)})


@pytest.fixture
def service(fake: Fake) -> Service:
    return Service(fake.predict, fake)


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx2.AsyncClient]:
    async with _client(service) as client:
        yield client


def _client(service: Service, keys: Keys | None = None, **settings: Any) -> httpx2.AsyncClient:
    config = msgspec.structs.replace(CONFIG, **settings)
    app = create(service, config, Metrics(version="1"), keys)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test")


def _raising(error: Exception) -> Any:
    async def predict(_: Request[Any]) -> Any:
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
        Request(Classify(), ["a"], model="sentiment", encode=EncodeOptions(7, "reject"))
    ] == fake.asked


async def test_texts_are_cut_at_128_tokens_unless_told_otherwise(client, fake):
    await client.post("/classify", json={"text": "a"})

    assert EncodeOptions(128, "truncate") == fake.asked[0].encode


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
async def test_an_error_of_the_service_is_told_with_its_status(fake, error, status):
    async with _client(Service(_raising(error), fake)) as client:
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
    assert status_of(kind) in {400, 401, 403, 404, 408, 413, 422, 429, 500, 503, 504}


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


async def test_an_unexpected_failure_tells_the_caller_nothing_of_the_inside(fake, caplog):
    service = Service(_raising(KeyError("/secret/path")), fake)

    async with _client(service) as client:
        response = await client.post("/classify", json={"text": "a"})

    assert (500, "internal") == (response.status_code, response.json()["error"]["code"])
    assert "secret" not in response.text


async def test_an_unexpected_failure_is_logged_once_under_the_id_the_caller_gets(fake, caplog):
    service = Service(_raising(KeyError("x")), fake)

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


async def test_a_name_in_a_path_may_hold_anything(client):
    response = await client.get("/v1/models/a%2Fb%0Ac%00")

    assert (404, "model_not_found") == (
        response.status_code,
        response.json()["error"]["code"],
    )


async def test_a_wrong_method_names_the_right_one(client):
    response = await client.get("/classify")

    assert (405, "POST", "method_not_allowed") == (
        response.status_code,
        response.headers["allow"],
        response.json()["error"]["code"],
    )


async def test_a_wrong_method_is_told_in_the_shape_of_the_protocol(client):
    response = await client.get("/embed")

    assert "Validation" == response.json()["error_type"]


async def test_without_keys_everybody_may_come_in(client):
    assert 200 == (await client.post("/classify", json={"text": "a"})).status_code


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer {}"},
        {"authorization": "bearer  {}"},
        {"x-api-key": "{}"},
        {"authorization": "Basic x", "x-api-key": "{}"},
    ],
    ids=["bearer", "lower case", "x-api-key", "another scheme beside"],
)
async def test_a_known_key_lets_in_under_its_name(fake, service, headers):
    key, digest = fresh_key()
    shown = {name: value.format(key) for name, value in headers.items()}

    async with _client(service, Keys({"other": "0" * 64, "alice": digest})) as client:
        await client.post("/classify", json={"text": "a"}, headers=shown)

    assert ["alice"] == [request.caller for request in fake.asked]


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ({}, "a key is needed"),
        ({"authorization": "Bearer "}, "a key is needed"),
        ({"authorization": "Bearer nobody's"}, "not known here"),
        ({"x-api-key": "nobody's \xe9"}, "not known here"),
    ],
    ids=["none", "empty", "unknown", "unknown in latin-1"],
)
async def test_without_a_known_key_nobody_comes_in(fake, service, headers, sentence):
    sent = {name: value.encode("latin-1") for name, value in headers.items()}

    async with _client(service, Keys({"alice": fresh_key()[1]})) as client:
        response = await client.post("/classify", json={"text": "a"}, headers=sent)

    assert (401, "Bearer", "unauthorized") == (
        response.status_code,
        response.headers["www-authenticate"],
        response.json()["error"]["code"],
    )
    assert sentence in response.json()["error"]["message"]
    assert [] == fake.asked


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/health"])
async def test_health_needs_no_key(service, path):
    async with _client(service, Keys({"alice": fresh_key()[1]})) as client:
        assert 200 == (await client.get(path)).status_code


@pytest.mark.parametrize(("is_public", "status"), [(False, 401), (True, 200)])
async def test_metrics_tell_of_callers_and_need_a_key_unless_settings_say_else(
    service, is_public, status
):
    keys = Keys({"alice": fresh_key()[1]})

    async with _client(service, keys, public_metrics=is_public) as client:
        assert status == (await client.get("/metrics")).status_code


@pytest.mark.parametrize(
    ("host", "n_warnings"), [("127.0.0.1", 0), ("::1", 0), ("localhost", 0), ("::", 1)]
)
async def test_open_to_others_without_keys_is_warned_of(service, caplog, host, n_warnings):
    _client(service, host=host)

    assert n_warnings == sum("there are no keys" in message for message in caplog.messages)


@pytest.mark.parametrize(
    ("method", "path", "body", "labels"),
    [
        ("POST", "/classify", b"{", 'route="/classify",status="400"'),
        ("POST", "/classify", b"{}", 'route="/classify",status="422"'),
        ("POST", "/classify", b" " * 2000, 'route="/classify",status="413"'),
        ("POST", "/classify", b'{"text": "a"}', 'route="/classify",status="200"'),
        ("GET", "/classify", b"", 'route="/classify",status="405"'),
        ("GET", "/nowhere/1", b"", 'route="",status="404"'),
        ("GET", "/v1/models/x", b"", 'route="/v1/models/{model:path}",status="404"'),
    ],
)
async def test_every_answer_is_counted_by_route_and_status(client, method, path, body, labels):
    await client.request(method, path, content=body)

    counted = (await client.get("/metrics")).text
    assert f"goldcrest_http_responses_total{{{labels}}} 1" in counted


async def test_the_access_log_says_who_asked_whom_for_how_much(service, caplog):
    key, digest = fresh_key()
    caplog.set_level(logging.INFO, "goldcrest.access")

    async with _client(service, Keys({"alice": digest}), access_log=True) as client:
        body = {"text": ["a", "b"]}
        await client.post("/classify", json=body, headers={"x-api-key": key})

    line = next(r.getMessage() for r in caplog.records if r.name == "goldcrest.access")
    assert re.fullmatch(
        r"POST /classify 200 \d+\.\d ms model=sentiment caller=alice items=2 tokens=10", line
    )


async def test_a_caller_cannot_write_lines_into_the_access_log(service, caplog):
    caplog.set_level(logging.INFO, "goldcrest.access")

    async with _client(service, access_log=True) as client:
        await client.get("/a%0Ab")

    lines = [r.getMessage() for r in caplog.records if r.name == "goldcrest.access"]
    assert ["GET /a%0Ab 404"] == [line.partition("4 ")[0] + "4" for line in lines]


async def test_buffers_are_sent_one_after_the_other_as_one_body():
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    numbers = np.arange(3, dtype=np.float32)
    await Response((b"[", numbers.data, b"]")).send(send)

    assert (b"content-length", b"14") in sent[0]["headers"]
    assert b"[" + numbers.tobytes() + b"]" == b"".join(part["body"] for part in sent[1:])
    assert numbers.ctypes.data == np.frombuffer(sent[2]["body"], np.float32).ctypes.data


async def test_the_description_says_how_a_key_is_shown(service):
    async with _client(service, Keys({"alice": fresh_key()[1]})) as client:
        document = (await client.get("/openapi.json")).json()

    paths = document["paths"]
    assert {"bearer", "x-api-key"} == set(document["components"]["securitySchemes"])
    assert [{"bearer": []}, {"x-api-key": []}] == paths["/classify"]["post"]["security"]
    assert "401" in paths["/classify"]["post"]["responses"]
    assert "security" not in paths["/health/live"]["get"]


async def test_the_description_names_the_parameters_of_a_path(client):
    paths = (await client.get("/openapi.json")).json()["paths"]

    assert ["model"] == [p["name"] for p in paths["/v1/models/{model}"]["get"]["parameters"]]


async def test_no_two_operations_share_an_id(client):
    paths = (await client.get("/openapi.json")).json()["paths"]

    ids = [operation["operationId"] for path in paths.values() for operation in path.values()]
    assert len(ids) == len(set(ids))


async def test_the_models_are_listed_as_openai_clients_expect(client):
    reply = (await client.get("/v1/models")).json()

    assert ("list", "sentiment", "model") == (
        reply["object"],
        reply["data"][0]["id"],
        reply["data"][0]["object"],
    )


async def test_a_listed_model_says_what_it_can(client):
    entry = (await client.get("/v1/models")).json()["data"][0]

    assert ("classify", ["NEGATIVE", "POSITIVE"], 64) == (
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
    assert 'goldcrest_info{version="1"} 1' in response.text


async def test_the_description_holds_every_row_of_the_table(client):
    paths = (await client.get("/openapi.json")).json()["paths"]

    listed = {re.sub(":path", "", row.path) for row in ENDPOINTS}
    assert listed == set(paths)


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
