"""The load client: HTTP/1.1 over kept connections, a closed loop, in a process of its own.

Called with two files: the plan, as JSON, and where to write what it saw.
Requests are bytes before the clock starts, and of an answer only the status and the length are
read, so that the client leaves the processor to the server that it measures.
"""

import asyncio
import gc
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast

HOST = "127.0.0.1"
N_TRIES_TO_CONNECT = 3
RETRY_AFTER_S = 0.1


@dataclass(frozen=True)
class Plan:
    """One level of load.

    Clients stop once `at_least` requests were sent and `seconds` have passed, or when the bodies
    are used up: a fast server answers more texts, never the same one twice. The answers to the
    requests at the indices in `keep` come back whole. `stall_s` without any answer ends the level.
    """

    port: int
    path: str
    bodies: tuple[str, ...]
    clients: int
    at_least: int
    seconds: float = 0.0
    keep: tuple[int, ...] = ()
    stall_s: float = 60.0


@dataclass(frozen=True)
class Outcome:
    """What the client saw.

    `n_in_window` counts answers until the moment when no new request was due (`window_s`): the
    last answers, which come while fewer and fewer clients wait, are left out of the throughput.
    """

    latencies_ms: tuple[float, ...]
    n_in_window: int
    window_s: float
    wall_s: float
    cpu_s: float
    n_errors: int
    first_error: str | None
    kept: dict[int, str]

    @property
    def n_answers(self) -> int:
        return len(self.latencies_ms)

    @property
    def throughput(self) -> float:
        return self.n_in_window / self.window_s if self.window_s else 0.0


@dataclass(frozen=True)
class Answer:
    """A response: its status and its body."""

    status: int
    body: bytes


def request_bytes(*, port: int, path: str, body: str) -> bytes:
    """One POST, whole."""
    content = body.encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def read_answer(received: bytes) -> Answer | None:
    """The response in these bytes, or None while some of it is still to come."""
    head, found, rest = received.partition(b"\r\n\r\n")
    if not found:
        return None
    length = content_length(head)
    return Answer(int(head[9:12]), rest[:length]) if len(rest) >= length else None


def content_length(head: bytes) -> int:
    """The length that a response's head states; without one the response cannot be read."""
    _, found, after = head.lower().partition(b"\r\ncontent-length:")
    if not found:
        raise ValueError("a response without Content-Length")
    return int(after.partition(b"\r\n")[0])


@dataclass
class Load:
    """The state that all connections share: what is to be sent and what came back."""

    plan: Plan
    requests: list[bytes]
    started: float = field(default_factory=time.perf_counter)
    n_sent: int = 0
    last_progress: float = field(default_factory=time.perf_counter)
    window_end: float | None = None
    finished: list[float] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)
    n_errors: int = 0
    first_error: str | None = None
    kept: dict[int, str] = field(default_factory=dict)
    wanted: frozenset[int] = frozenset()

    def is_over(self, now: float) -> bool:
        if self.n_sent >= len(self.requests):
            return True
        return self.n_sent >= self.plan.at_least and now - self.started >= self.plan.seconds

    def next_index(self, now: float) -> int | None:
        """The next request to send, or None when no more are due."""
        if self.is_over(now):
            self.window_end = self.window_end or now
            return None
        self.n_sent += 1
        return self.n_sent - 1

    def answered(self, index: int, *, sent_at: float, now: float, answer: Answer) -> None:
        self.last_progress = now
        if answer.status != 200:
            self.failed(f"status {answer.status}: {answer.body[:200].decode(errors='replace')}")
            return
        self.finished.append(now)
        self.latencies_ms.append((now - sent_at) * 1000)
        if index in self.wanted:
            self.kept[index] = answer.body.decode()

    def failed(self, reason: str) -> None:
        self.n_errors += 1
        self.first_error = self.first_error or reason


class Connection(asyncio.Protocol):
    """One client: sends a request, waits for its answer, sends the next."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._received = b""
        self._index: int | None = None
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send_next(time.perf_counter())

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self._received += data
        try:
            answer = read_answer(self._received)
        except ValueError as error:
            self._fail(str(error))
            return
        if answer is not None and self._index is not None:
            self._load.answered(self._index, sent_at=self._sent_at, now=now, answer=answer)
            self._send_next(now)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._index is not None:
            self._load.failed(f"connection lost: {exc or 'closed by the server'}")
        if not self.closed.done():
            self.closed.set_result(None)

    def _send_next(self, now: float) -> None:
        transport = cast("asyncio.Transport", self._transport)
        self._received = b""
        self._index = self._load.next_index(now)
        if self._index is None:
            transport.close()
            return
        self._sent_at = now
        transport.write(self._load.requests[self._index])

    def _fail(self, reason: str) -> None:
        self._load.failed(reason)
        self.abort()

    def abort(self) -> None:
        """Ends the connection; what it was waiting for has been counted already."""
        self._index = None
        cast("asyncio.Transport", self._transport).abort()


async def _client(load: Load) -> None:
    """Keeps one connection open until the load is over, and gives up on a dead server."""
    loop = asyncio.get_running_loop()
    n_refused = 0
    while n_refused < N_TRIES_TO_CONNECT and not load.is_over(time.perf_counter()):
        try:
            _, connection = await loop.create_connection(
                lambda: Connection(load), HOST, load.plan.port
            )
        except OSError as error:
            n_refused += 1
            load.failed(f"no connection: {error}")
            await asyncio.sleep(RETRY_AFTER_S)
        else:
            n_refused = 0
            try:
                await connection.closed
            finally:
                connection.abort()


async def _drive(load: Load) -> None:
    """Runs all clients to the end, or until the server has been silent for too long."""
    clients = [asyncio.create_task(_client(load)) for _ in range(load.plan.clients)]
    pending: set[asyncio.Task[None]] = set(clients)
    while pending:
        _, pending = await asyncio.wait(pending, timeout=1.0)
        if pending and time.perf_counter() - load.last_progress > load.plan.stall_s:
            for _ in pending:
                load.failed(f"no answer within {load.plan.stall_s:.0f} s")
            break
    for client in pending:
        client.cancel()
    await asyncio.gather(*clients, return_exceptions=True)
    await asyncio.sleep(0)  # lets the aborted connections close


def run(plan: Plan) -> Outcome:
    """Runs one level of load and tells what it saw."""
    requests = [request_bytes(port=plan.port, path=plan.path, body=body) for body in plan.bodies]
    gc.collect()
    gc.disable()  # a collection in the midst of it would count as the server's latency
    cpu = time.process_time()
    load = Load(plan, requests, wanted=frozenset(plan.keep))
    asyncio.run(_drive(load))
    ended = time.perf_counter()
    gc.enable()
    return _outcome(load, ended=ended, cpu_s=time.process_time() - cpu)


def _outcome(load: Load, *, ended: float, cpu_s: float) -> Outcome:
    window_end = load.window_end or ended
    return Outcome(
        latencies_ms=tuple(load.latencies_ms),
        n_in_window=sum(moment <= window_end for moment in load.finished),
        window_s=window_end - load.started,
        wall_s=ended - load.started,
        cpu_s=cpu_s,
        n_errors=load.n_errors,
        first_error=load.first_error,
        kept=load.kept,
    )


def plan_from_json(text: str) -> Plan:
    """The plan that `plan_to_json` wrote."""
    fields = json.loads(text)
    return Plan(**{**fields, "bodies": tuple(fields["bodies"]), "keep": tuple(fields["keep"])})


def outcome_from_json(text: str) -> Outcome:
    """The outcome that the client's process wrote."""
    fields = json.loads(text)
    kept = {int(index): body for index, body in fields["kept"].items()}
    return Outcome(**{**fields, "latencies_ms": tuple(fields["latencies_ms"]), "kept": kept})


def to_json(value: Plan | Outcome) -> str:
    """A plan or an outcome for the other process."""
    return json.dumps(asdict(value))


if __name__ == "__main__":
    plan_file, outcome_file = (Path(name) for name in sys.argv[1:])
    outcome_file.write_text(to_json(run(plan_from_json(plan_file.read_text()))))
