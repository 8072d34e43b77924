import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from benchmarks.client import (
    Answer,
    Outcome,
    Plan,
    outcome_from_json,
    plan_from_json,
    read_answer,
    request_bytes,
    run,
    to_json,
)

Reply = Callable[[int], bytes | None]


@dataclass
class Seen:
    """What a test's server was asked."""

    port: int = 0
    bodies: list[str] = field(default_factory=list)
    handlers: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def n_connections(self) -> int:
        return len(self.handlers)


def ok(_index: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def serve(reply: Reply, *, silent: bool = False) -> AsyncIterator[Seen]:
    """A server that says `reply(n)` to request n, and hangs up where that is None."""
    seen = Seen()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
            seen.bodies.append((await reader.readexactly(length)).decode())
            answer = reply(len(seen.bodies) - 1)
            if answer is None:
                return
            if not silent:
                writer.write(answer)
                await writer.drain()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        seen.handlers.append(task)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await talk(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    seen.port = server.sockets[0].getsockname()[1]
    yield seen
    server.close()
    await asyncio.gather(*seen.handlers)


def plan(port: int, n: int, **options: Any) -> Plan:
    bodies = tuple(f'{{"text": "{i}"}}' for i in range(n))
    return Plan(port, "/x", bodies, **{"clients": 1, "at_least": n, **options})


async def outcome_of(reply: Reply, n: int, **options: Any) -> tuple[Outcome, Seen]:
    async with serve(reply) as seen:
        return await asyncio.to_thread(run, plan(seen.port, n, **options)), seen


def test_a_request_states_the_length_of_its_body_in_bytes() -> None:
    sent = request_bytes(port=80, path="/classify", body="é")

    head, _, body = sent.partition(b"\r\n\r\n")
    assert b"Content-Length: 2" in head
    assert body == "é".encode()


@pytest.mark.parametrize(
    "received", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab"]
)
def test_a_response_that_is_not_whole_is_waited_for(received: bytes) -> None:
    assert read_answer(received) is None


def test_a_response_is_read_whatever_the_case_of_its_headers() -> None:
    received = b"HTTP/1.1 404 Not Found\r\nCONTENT-LENGTH: 2\r\nX: y\r\n\r\nab"

    assert Answer(404, b"ab") == read_answer(received)


def test_a_response_without_length_cannot_be_read() -> None:
    with pytest.raises(ValueError, match="Content-Length"):
        read_answer(b"HTTP/1.1 200 OK\r\n\r\n")


async def test_every_body_is_sent_once() -> None:
    outcome, seen = await outcome_of(ok, 50, clients=4)

    assert sorted(seen.bodies) == sorted(plan(0, 50).bodies)
    assert (50, 0) == (outcome.n_answers, outcome.n_errors)


async def test_each_client_keeps_its_connection() -> None:
    _, seen = await outcome_of(ok, 50, clients=4)

    assert 4 == seen.n_connections


async def test_a_split_response_is_put_together() -> None:
    body = b"x" * 300_000
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    outcome, _ = await outcome_of(lambda _: head + body, 3, keep=(2,))

    assert {2: body.decode()} == outcome.kept


async def test_other_statuses_are_errors_with_their_body() -> None:
    refusal = b"HTTP/1.1 429 Too Many\r\nContent-Length: 4\r\n\r\nbusy"

    outcome, _ = await outcome_of(lambda i: refusal if i % 2 else ok(i), 10)

    assert (5, 5, "status 429: busy") == (outcome.n_answers, outcome.n_errors, outcome.first_error)


async def test_a_lost_connection_is_one_error_and_is_opened_again() -> None:
    outcome, seen = await outcome_of(lambda i: None if i == 3 else ok(i), 10)

    assert (9, 1, 2) == (outcome.n_answers, outcome.n_errors, seen.n_connections)


async def test_a_response_without_length_is_one_error() -> None:
    outcome, _ = await outcome_of(lambda i: ok(i) if i else b"HTTP/1.1 200 OK\r\n\r\n", 5)

    assert (4, 1) == (outcome.n_answers, outcome.n_errors)


def test_a_dead_server_is_given_up(unused_tcp_port: int) -> None:
    outcome = run(plan(unused_tcp_port, 1000, clients=2))

    assert (0, 6) == (outcome.n_answers, outcome.n_errors)
    assert "no connection" in str(outcome.first_error)


async def test_a_silent_server_ends_the_level() -> None:
    async with serve(ok, silent=True) as seen:
        outcome = await asyncio.to_thread(run, plan(seen.port, 10, clients=2, stall_s=0.5))

    assert (0, 2) == (outcome.n_answers, outcome.n_errors)
    assert "no answer within" in str(outcome.first_error)


async def test_a_level_goes_on_until_its_seconds_have_passed() -> None:
    outcome, _ = await outcome_of(ok, 100_000, at_least=10, seconds=0.2)

    assert 10 < outcome.n_answers < 100_000
    assert outcome.window_s >= 0.2


async def test_only_answers_within_the_window_count_for_the_throughput() -> None:
    outcome, _ = await outcome_of(ok, 20, clients=5)

    assert outcome.n_in_window <= outcome.n_answers
    assert outcome.n_in_window / outcome.window_s == outcome.throughput


async def test_kept_answers_are_those_of_their_requests() -> None:
    def numbered(index: int) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % index

    outcome, _ = await outcome_of(numbered, 10, keep=(0, 7))

    assert {0: "0", 7: "7"} == outcome.kept


async def test_the_client_tells_what_it_cost() -> None:
    outcome, _ = await outcome_of(ok, 200, clients=8)

    assert 0 < outcome.cpu_s < outcome.wall_s * 1.5


async def test_plans_and_outcomes_survive_the_way_to_the_other_process() -> None:
    outcome, _ = await outcome_of(ok, 5, keep=(1,))
    asked = plan(1, 3, keep=(0, 2))

    assert asked == plan_from_json(to_json(asked))
    assert outcome == outcome_from_json(to_json(outcome))
