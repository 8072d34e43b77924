"""Callers that are slow, leave, or ask for too much at once, over real connections."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from tests.held import Held, head, request, running

from goldcrest.batching.batcher import Batcher
from goldcrest.batching.lane import Lane
from goldcrest.config import WebConfig
from goldcrest.metrics import Metrics
from goldcrest.packing.cost import CostTable
from goldcrest.packing.ladder import ladder
from goldcrest.records import BatchReport
from goldcrest.serving.service import Service
from goldcrest.tasks import Reply, Request
from goldcrest.testing import FakeEngine
from goldcrest.values import Encoding
from goldcrest.web.app import App, create
from goldcrest.web.wire import MOST_PIPELINED

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
async def _in_time() -> AsyncIterator[None]:
    async with asyncio.timeout(20):
        yield


async def test_who_never_sends_the_body_is_told_so_and_cut_off():
    async with running(read_s=0.05) as server:
        connection = await server.connected(head(100), b"{")

        answer = await connection.answer()

        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"code":"body_too_slow"' in answer
        assert b"" == await connection.reader.read()
        await connection.close()


async def test_who_never_ends_the_head_is_told_so_and_cut_off():
    async with running(read_s=0.05) as server:
        connection = await server.connected(b"POST /classify HTTP/1.1\r\nhost: ")

        assert (await connection.reader.read()).startswith(b"HTTP/1.1 408 ")
        await connection.close()


async def test_a_head_that_comes_while_another_request_runs_waits_for_its_answer():
    async with running(read_s=0.05) as server:
        connection = await server.connected(request("slow"), b"GET /health")
        await server.held.begun.wait()
        with pytest.raises(TimeoutError):  # the time for a head passes, and nothing is said
            await asyncio.wait_for(connection.reader.read(1), 0.15)
        server.held.released.set()

        assert (await connection.answer()).startswith(b"HTTP/1.1 200 ")
        await connection.close()


async def test_requests_that_come_together_are_answered_in_their_order():
    async with running() as server:
        connection = await server.connected(request("quick"), b"GET /health/live HTTP/1.1\r\n\r\n")

        first, second = await connection.answer(), await connection.answer()

        assert b'"predictions"' in first
        assert b'"live"' in second
        await connection.close()


async def test_of_requests_that_came_together_none_goes_on_when_their_caller_leaves():
    async with running() as server:
        connection = await server.connected(request("slow"), request("next"))
        await server.held.begun.wait()

        await connection.close()

        await server.held.cancelled.wait()
        await server.client.get("/health/live")
        assert [["slow"]] == [asked.items for asked in server.held.asked]


async def test_who_closes_its_own_half_has_left():
    """As for nginx and Go: no client that waits for an answer does that."""
    async with running() as server:
        connection = await server.connected(request("slow"))
        await server.held.begun.wait()

        connection.writer.write_eof()

        await server.held.cancelled.wait()
        await connection.close()


async def test_more_requests_at_once_than_a_client_needs_end_the_connection():
    async with running() as server:
        many = [request("slow")] * (MOST_PIPELINED + 2)
        connection = await server.connected(*many)

        await server.held.cancelled.wait()

        assert 1 == len(server.held.asked)
        await connection.close()


async def test_what_there_is_no_room_for_is_refused_before_its_body_comes():
    async with running(max_requests=1) as server:
        slow = server.ask()
        await server.held.begun.wait()

        connection = await server.connected(head(15))
        refused = await connection.answer()
        server.held.released.set()
        await slow
        connection.writer.write(b'{"text":"quick"}'[:15])
        connection.writer.write(request("quick"))
        answered = await connection.answer()

        assert refused.startswith(b"HTTP/1.1 429 ")
        assert b"retry-after: 1\r\n" in refused
        assert answered.startswith(b"HTTP/1.1 200 ")
        await connection.close()


async def test_what_is_refused_at_once_is_counted_and_named_as_any_other():
    async with running(max_requests=1) as server:
        slow = server.ask()
        await server.held.begun.wait()

        headers = {"x-request-id": "mine", "x-goldcrest-timing": "1"}
        body = {"input": "a"}
        refused = await server.client.post("/v1/embeddings", json=body, headers=headers)
        server.held.released.set()
        await slow
        counted = (await server.client.get("/metrics")).text

    assert ("mine", "rate_limit_exceeded") == (
        refused.headers["x-request-id"],
        refused.json()["error"]["code"],
    )
    assert "dur=" in refused.headers["server-timing"]
    assert 'goldcrest_http_responses_total{route="/v1/embeddings",status="429"} 1' in counted


async def test_who_does_not_take_its_answer_makes_room_for_others():
    async with running(read_s=0.05, max_requests=1) as server:
        connection = await server.connected(request("large"))
        await server.held.begun.wait()

        while (answer := await server.ask("quick")).status_code == 429:
            pass  # until it is given up

        assert 200 == answer.status_code
        await connection.close()


@dataclass
class Batched(Held):
    """A service whose texts go through a batcher; a text is as many tokens as characters."""

    def __post_init__(self) -> None:
        self.gate = threading.Event()
        self.engine = FakeEngine(gate=self.gate)
        self.reports: list[BatchReport] = []
        self.batcher = Batcher(report=self.reports.append)
        lane = Lane(
            "m",
            lambda grid: self.engine.run(grid)["logits"][: grid.n_jobs],
            ladder=ladder(64),
            costs=CostTable(),
            objective_s=1.0,
            n_first=0,
        )
        self.batcher.open(lane)

    async def predict(self, request: Request[Any]) -> Reply[Any]:
        self.asked.append(request)
        self.begun.set()
        encoding = Encoding(np.ones(len(request.items[0]), np.int32))
        (row,) = await self.batcher.submit("m", [encoding], request.urgency)
        return Reply("m", row[None], ("a", "b"), (3,), (0,), (1,))


async def test_what_its_caller_abandoned_never_reaches_the_engine():
    batched = Batched()
    async with running(batched) as server:
        gone = [await server.connected(request("x" * 20)) for _ in range(10)]
        stays = server.ask("stays")
        while batched.batcher.n_jobs < 10:  # one is with the engine already
            await server.client.get("/health/live")

        for connection in gone:
            await connection.close()
        while batched.batcher.n_jobs > 1:
            await server.client.get("/health/live")
        batched.gate.set()

        assert 200 == (await stays).status_code
    batched.batcher.close()
    assert 2 >= sum(report.n_jobs for report in batched.reports)


async def test_who_is_refused_and_then_stalls_within_its_body_is_cut_off():
    async with running(max_requests=1, read_s=0.05) as server:
        slow = server.ask()
        await server.held.begun.wait()
        connection = await server.connected(head(100), b"{")
        refused = await connection.answer()

        connection.writer.write(b" ")

        assert refused.startswith(b"HTTP/1.1 429 ")
        assert b"" == await asyncio.wait_for(connection.reader.read(), 5)
        server.held.released.set()
        await slow
        await connection.close()


def app() -> App:
    held = Held()
    made = create(Service(held.predict, held), WebConfig(), Metrics(version="1"))
    assert isinstance(made, App)
    return made


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_is_told_when_its_head_is_read_and_waits_for_no_turn(path: str):
    answer = app().let_in({"type": "http", "method": "GET", "path": path, "headers": []})

    assert answer is not None
    assert 200 == answer.status


def test_work_may_be_turned_away_before_its_turn_and_takes_no_room_then():
    made, classify = app(), {"type": "http", "method": "POST", "path": "/classify", "headers": []}
    assert made.let_in(classify) is None

    answer = made.turn_away(classify)

    assert answer is not None
    assert (429, (b"retry-after", b"1")) == (answer.status, answer.headers[0])
    assert 0 == made._door.room.n_requests


def test_a_scrape_is_never_turned_away():
    made, metrics = app(), {"type": "http", "method": "GET", "path": "/metrics", "headers": []}
    made.let_in(metrics)

    assert made.turn_away(metrics) is None


def test_what_may_wait_for_its_turn_does():
    models = {"type": "http", "method": "GET", "path": "/v1/models", "headers": []}

    assert app().let_in(models) is None
