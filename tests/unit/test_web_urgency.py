"""Urgency at every route: headers, bodies, keys, deadlines, and what there is no room for."""

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import numpy as np
import pytest
from starlette.types import Receive, Scope, Send
from tests.answering import Answering, model, talking_to

from goldcrest.config import WebConfig
from goldcrest.errors import Overloaded
from goldcrest.metrics import Metrics
from goldcrest.records import BatchReport, Explanation, LaneState, SlotState
from goldcrest.serving.keys import Keys, fresh_key
from goldcrest.serving.service import Service
from goldcrest.tasks import Reply, Request
from goldcrest.values import Shape, Urgency
from goldcrest.web.app import ENDPOINTS, create
from goldcrest.web.visits import ARRIVED

TEXT = {"text": "a"}
OIP = {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["a"]}]}
ROUTES = [
    ("/classify", TEXT),
    ("/v1/embeddings", {"input": "a"}),
    ("/v1/rerank", {"query": "q", "documents": ["a"]}),
    ("/v2/rerank", {"query": "q", "documents": ["a"]}),
    ("/embed", {"inputs": "a"}),
    ("/embed_all", {"inputs": "a"}),
    ("/predict", {"inputs": "a"}),
    ("/rerank", {"query": "q", "texts": ["a"]}),
    ("/similarity", {"inputs": {"source_sentence": "a", "sentences": ["b"]}}),
    ("/", {"inputs": "a"}),
    ("/models/m", {"inputs": "a"}),
    ("/pipeline/text-classification", {"inputs": "a"}),
    ("/v2/models/m/infer", OIP),
    ("/v2/models/m/versions/1/infer", OIP),
]
ROW = np.array([0.1, 0.2, 0.7], np.float32)
OUTPUTS: dict[Any, Any] = {
    "classify": ROW,
    "embed": ROW,
    "states": ROW[None],
    "rerank": ROW[0],
    "similarity": ROW[0],
}


@pytest.fixture
def fake() -> Answering:
    both = model("m", "classify", "rerank")
    return Answering((both, model("e", "embed", "similarity", "states")), OUTPUTS)


@dataclass
class Hung(Answering):
    """Never answers."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def predict(self, request: Request[Any]) -> Reply[Any]:
        self.begun.set()
        return await asyncio.Event().wait()  # type: ignore[return-value]  # never


@pytest.mark.parametrize(("path", "body"), ROUTES, ids=[path for path, _ in ROUTES])
async def test_headers_say_how_urgent_a_call_of_any_protocol_is(fake, path, body):
    headers = {
        "X-Goldcrest-Priority": "bulk",
        "X-Goldcrest-Timeout-Ms": "60000",
        "Cache-Control": "no-cache",
    }

    async with talking_to(fake) as client:
        response = await client.post(path, json=body, headers=headers)

    found = fake.asked[0].urgency
    assert 200 == response.status_code, response.text
    assert Urgency("bulk", found.deadline_s, is_kept_fine=False) == found
    assert 59 < (found.deadline_s or 0) < 60


@pytest.mark.parametrize(("path", "body"), ROUTES, ids=[path for path, _ in ROUTES])
@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("x-goldcrest-priority", "urgent", "one of interactive, default, bulk"),
        ("x-goldcrest-timeout-ms", "soon", "from 1 to 3600000"),
    ],
)
async def test_a_wrong_header_is_told_with_what_is_allowed(fake, path, body, name, value, sentence):
    async with talking_to(fake) as client:
        response = await client.post(path, json=body, headers={name: value})

    assert response.status_code in {400, 422}  # OpenAI's clients look for 400
    assert sentence in response.text
    assert [] == fake.asked


def test_no_route_that_predicts_is_left_out():
    """One of the rows above, or another path to the same call."""
    named = {row.call for row in ENDPOINTS for path, _ in ROUTES if _matches(row.path, path)}
    asking = {row.call for row in ENDPOINTS if row.can_be_urgent}

    assert asking - named <= {row.call for row in ENDPOINTS if row.tag == "huggingface"}


def _matches(row: str, path: str) -> bool:
    filled = row.replace("{model:path}", "m").replace("{model}", "m").replace("{version}", "1")
    return filled.replace("{task}", "text-classification") == path


async def test_the_body_of_our_own_route_says_it_too(fake):
    async with talking_to(fake) as client:
        await client.post("/classify", json={**TEXT, "priority": "interactive", "timeout_ms": 9000})

    found = fake.asked[0].urgency
    assert "interactive" == found.priority
    assert 8 < (found.deadline_s or 0) <= 9


@pytest.mark.parametrize(
    ("field", "value"), [("priority", "urgent"), ("timeout_ms", 0), ("timeout_ms", "1")]
)
async def test_a_wrong_field_is_no_valid_request(fake, field, value):
    async with talking_to(fake) as client:
        response = await client.post("/classify", json={**TEXT, field: value})

    assert (422, "invalid_request") == (response.status_code, response.json()["error"]["code"])


async def test_of_two_limits_the_shorter_holds_and_of_two_classes_the_less_urgent(fake):
    headers = {"x-goldcrest-priority": "bulk", "x-goldcrest-timeout-ms": "60000"}

    async with talking_to(fake) as client:
        body = {**TEXT, "priority": "interactive", "timeout_ms": 5000}
        await client.post("/classify", json=body, headers=headers)

    found = fake.asked[0].urgency
    assert "bulk" == found.priority
    assert 4 < (found.deadline_s or 0) <= 5


@pytest.mark.parametrize(
    ("given", "priority"),
    [
        (0, None),
        (1, "interactive"),
        (2, "default"),
        (3, "bulk"),
        (9, "bulk"),
        ("Interactive", "interactive"),
    ],
)
async def test_the_inference_protocol_names_classes_by_tritons_numbers(fake, given, priority):
    async with talking_to(fake) as client:
        await client.post("/v2/models/m/infer", json={**OIP, "parameters": {"priority": given}})

    assert priority == fake.asked[0].urgency.priority


@pytest.mark.parametrize(("given", "priority"), [(0, None), (7, "bulk")])
async def test_coheres_lower_priorities_are_bulk_work(fake, given, priority):
    async with talking_to(fake) as client:
        body = {"query": "q", "documents": ["a"], "priority": given}
        await client.post("/v2/rerank", json=body)

    assert priority == fake.asked[0].urgency.priority


async def test_a_call_that_says_nothing_has_no_urgency_of_its_own(fake):
    async with talking_to(fake) as client:
        await client.post("/classify", json=TEXT)

    assert Urgency() == fake.asked[0].urgency


@pytest.mark.parametrize(
    ("asked", "given", "told"),
    [
        ({"x-goldcrest-priority": "interactive"}, "default", "default"),
        ({"x-goldcrest-priority": "bulk"}, "bulk", None),
        ({}, "default", None),
    ],
)
async def test_a_key_may_ask_for_its_own_class_at_most(fake, asked, given, told):
    key, digest = fresh_key()
    keys = Keys({"team": digest}, {"team": "default"})

    async with talking_to(fake, keys) as client:
        response = await client.post("/classify", json=TEXT, headers={"x-api-key": key, **asked})

    assert given == fake.asked[0].urgency.priority
    assert told == response.headers.get("x-goldcrest-priority")


@pytest.mark.parametrize(("path", "body"), ROUTES, ids=[path for path, _ in ROUTES])
async def test_past_its_deadline_a_call_is_answered_though_the_engine_hangs(path, body):
    hung = Hung((model("m", "classify", "rerank"), model("e", "embed", "similarity", "states")), {})

    async with talking_to(hung) as client, asyncio.timeout(5):
        headers = {"x-goldcrest-timeout-ms": "20"}
        response = await client.post(path, json=body, headers=headers)

    assert 504 == response.status_code


async def test_the_deadline_counts_from_the_arrival_of_the_head(fake):
    """A second passed before the request had its turn; it reaches no model."""
    app = create(Service(fake.predict, fake), WebConfig(), Metrics(version="1"))

    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, ARRIVED: time.perf_counter() - 1}, receive, send)

    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(late), base_url="http://test"
    ) as client:
        headers = {"x-goldcrest-timeout-ms": "500"}
        response = await client.post("/classify", json=TEXT, headers=headers)

    assert (504, []) == (response.status_code, fake.asked)


async def test_the_deadline_counts_while_the_body_comes(fake):
    async def never() -> Any:
        yield b"{"
        await asyncio.Event().wait()

    async with talking_to(fake) as client, asyncio.timeout(5):
        headers = {"x-goldcrest-timeout-ms": "20"}
        response = await client.post("/classify", content=never(), headers=headers)

    assert 504 == response.status_code


async def test_a_body_that_does_not_come_is_given_up_and_its_connection_with_it(fake):
    async def never() -> Any:
        yield b"{"
        await asyncio.Event().wait()

    async with talking_to(fake, read_s=0.02) as client, asyncio.timeout(5):
        response = await client.post("/classify", content=never())

    assert (408, "close", "body_too_slow") == (
        response.status_code,
        response.headers["connection"],
        response.json()["error"]["code"],
    )


async def test_one_request_too_many_is_refused_and_the_next_finds_room():
    hung = Hung((model("m", "classify"),), OUTPUTS)

    async with talking_to(hung, max_requests=1) as client:
        first = asyncio.create_task(client.post("/classify", json=TEXT))
        await hung.begun.wait()
        refused = await client.post("/v1/embeddings", json={"input": "a"})
        first.cancel()
        await asyncio.wait([first])
        headers = {"x-goldcrest-timeout-ms": "1"}
        later = await client.post("/classify", json=TEXT, headers=headers)

    assert (429, "1", 504) == (
        refused.status_code,
        refused.headers["retry-after"],
        later.status_code,
    )
    assert "rate_limit_exceeded" == refused.json()["error"]["code"]


async def test_a_body_for_which_there_is_no_room_is_refused(fake):
    async def chunks() -> Any:
        yield b" " * 70_000

    hung = Hung(fake.served, OUTPUTS)
    async with talking_to(hung, max_held_bytes=65_536) as client:
        first = asyncio.create_task(client.post("/classify", json={"text": "a" * 60_000}))
        await hung.begun.wait()
        headers = {"content-length": "70000"}
        refused = await client.post("/classify", content=chunks(), headers=headers)
        first.cancel()
        await asyncio.wait([first])

    assert (429, "overloaded") == (refused.status_code, refused.json()["error"]["code"])


async def test_a_body_that_never_fits_is_not_told_to_come_back(fake):
    async def chunks() -> Any:
        yield b" " * 70_000

    hung = Hung(fake.served, OUTPUTS)
    async with talking_to(hung, max_held_bytes=65_536, max_body_bytes=65_000) as client:
        first = asyncio.create_task(client.post("/classify", json={"text": "a" * 60_000}))
        await hung.begun.wait()
        headers = {"content-length": "70000"}
        refused = await client.post("/classify", content=chunks(), headers=headers)
        first.cancel()
        await asyncio.wait([first])

    assert (413, None) == (refused.status_code, refused.headers.get("retry-after"))


async def test_health_needs_no_room():
    hung = Hung((model("m", "classify"),), OUTPUTS)

    async with talking_to(hung, max_requests=1) as client:
        first = asyncio.create_task(client.post("/classify", json=TEXT))
        await hung.begun.wait()
        live = await client.get("/health/live")
        first.cancel()
        await asyncio.wait([first])

    assert 200 == live.status_code


async def test_a_long_body_is_not_read_while_no_work_is_taken(fake):
    def check() -> None:
        raise Overloaded("memory is short", 7.0)

    service = Service(fake.predict, fake, check=check)

    async with _behind(service) as client:
        response = await client.post("/classify", content=b"never read" * 10_000)

    assert (429, "7") == (response.status_code, response.headers["retry-after"])


@pytest.mark.parametrize("asked", [True, False])
async def test_how_long_it_took_is_told_to_who_asks(fake, asked):
    async with talking_to(fake) as client:
        headers = {"x-goldcrest-timing": "1"} if asked else {}
        response = await client.post("/classify", json=TEXT, headers=headers)

    assert asked is response.headers.get("server-timing", "").startswith("total;dur=")


async def test_how_long_it_took_is_told_to_all_where_settings_say_so(fake):
    async with talking_to(fake, server_timing=True) as client:
        response = await client.get("/health/live")

    assert 0 < float(response.headers["server-timing"].removeprefix("total;dur=")) < 1000


async def test_answers_are_timed_by_route_and_status(fake):
    async with talking_to(fake) as client:
        await client.post("/classify", content=b"{")
        counted = (await client.get("/metrics")).text

    assert 'goldcrest_http_seconds_count{route="/classify",status="400"} 1' in counted


async def test_the_description_names_the_headers_of_what_predicts_alone(fake):
    async with talking_to(fake) as client:
        paths = (await client.get("/openapi.json")).json()["paths"]

    headers = [p["name"] for p in paths["/classify"]["post"]["parameters"]]
    assert ["x-goldcrest-priority", "x-goldcrest-timeout-ms", "cache-control"] == headers
    assert "parameters" not in paths["/tokenize"]["post"]


def _behind(service: Service, explained: Explanation | None = None) -> httpx2.AsyncClient:
    app = create(service, WebConfig(), Metrics(version="1"), explain=lambda: explained)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test")


REPORT = BatchReport(
    lane="m#1",
    model="m",
    reason="knee",
    shape=Shape(2, 64),
    n_jobs=3,
    n_tokens=96,
    predicted_s=0.01,
    run_s=0.0123456789,
    idle_s=0.0,
    cpu_s=0.02,
    waited_s=(0.1, 0.3, 0.2),
    priorities=("bulk", "interactive", "bulk"),
)
EXPLAINED = Explanation(
    waiting_tokens={"bulk": 7},
    waiting_bytes={"bulk": 70},
    lanes=(LaneState("m#1", "m", True, 1, 2, 1e-5, {"bulk": 1}, 7, 3.5, {"2x64": 0.0101}),),
    slots=(SlotState("m#1", "2x64", 0.001, 0.01, is_hung=False),),
    recent=(REPORT,),
)


async def test_the_batcher_explains_itself(fake):
    async with _behind(Service(fake.predict, fake), EXPLAINED) as client:
        found = (await client.get("/debug/batches")).json()

    assert ({"bulk": 7}, {"2x64": 0.0101}, "2x64") == (
        found["waiting_tokens"],
        found["lanes"][0]["costs"],
        found["slots"][0]["shape"],
    )
    run = found["recent"][0]
    assert (2, 64, 0.75, 0.0123456789, 0.3) == (
        run["rows"],
        run["width"],
        run["fill"],
        run["run_s"],
        run["longest_wait_s"],
    )
    assert {"bulk": 2, "interactive": 1} == run["jobs"]


async def test_without_a_batcher_there_is_nothing_to_explain_yet(fake):
    async with talking_to(fake) as client:
        assert 503 == (await client.get("/debug/batches")).status_code


async def test_the_explanation_is_behind_the_key(fake):
    async with talking_to(fake, Keys({"team": fresh_key()[1]})) as client:
        assert 401 == (await client.get("/debug/batches")).status_code


async def test_with_an_engine_beyond_repair_the_process_wants_to_be_started_again(fake):
    service = Service(fake.predict, fake, is_alive=lambda: False)

    async with _behind(service) as client:
        live, ready = await client.get("/health/live"), await client.get("/health/ready")

    assert (503, "hung", 503, "hung") == (
        live.status_code,
        live.json()["status"],
        ready.status_code,
        ready.json()["status"],
    )


async def test_while_a_model_loads_the_process_is_live(fake):
    fake.is_ready = False

    async with talking_to(fake) as client:
        live, ready = await client.get("/health/live"), await client.get("/health/ready")

    assert (200, 503) == (live.status_code, ready.status_code)


async def test_a_caller_that_has_a_key_is_charged_for_its_work(fake):
    key, digest = fresh_key()

    async with talking_to(fake, Keys({"team": digest})) as client:
        await client.post("/classify", json=TEXT, headers={"x-api-key": key})

    assert replace(Urgency(), caller="team") == fake.asked[0].urgency
