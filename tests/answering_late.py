"""A small HTTP server of known latency and capacity, in a thread: what load tests are tested on."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

GOOD = (200, {"predictions": [[0.25, 0.75]], "labels": ["a", "b"]})


@dataclass
class Behaviour:
    """How the server answers.

    Attributes:
        service_s: each request takes this, one after the other: the capacity is one over it.
        latency_s: this comes on top, for all at once.
        stall: (first, last second after the first request) while nothing is answered.
        answer: status and body, by the number of the request.
        hangs_up_on: whether the connection is cut, by the number of the request.
        headers: of every answer.
    """

    service_s: float = 0.0
    latency_s: float = 0.0
    stall: tuple[float, float] = (0.0, 0.0)
    answer: Callable[[int], tuple[int, object]] = lambda _: GOOD
    hangs_up_on: Callable[[int], bool] = lambda _: False
    headers: str = ""
    metrics: str = ""
    seen: list[tuple[str, bytes]] = field(default_factory=list)
    began: float = 0.0
    free_at: float = 0.0

    def ready_at(self, now: float) -> float:
        """When the answer to a request that comes now is due."""
        self.began = self.began or now
        self.free_at = max(self.free_at, now) + self.service_s
        due = self.free_at + self.latency_s
        first, last = self.stall
        return self.began + last if self.began + first <= due < self.began + last else due


class _Connection(asyncio.Protocol):
    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour, self._received = behaviour, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        n = int(length or 0)
        if found and len(rest) >= n:
            self._received = rest[n:]
            self._asked(head.decode(), rest[:n])

    def _asked(self, head: str, body: bytes) -> None:
        behaviour = self._behaviour
        if head.startswith("GET"):
            self._write(200 if behaviour.metrics else 404, behaviour.metrics.encode())
            return
        number = len(behaviour.seen)
        behaviour.seen.append((head, body))
        if behaviour.hangs_up_on(number):
            self._transport.abort()
            return
        status, content = behaviour.answer(number)
        wait = behaviour.ready_at(time.monotonic()) - time.monotonic()
        encoded = json.dumps(content).encode()
        asyncio.get_running_loop().call_later(max(0.0, wait), self._write, status, encoded)

    def _write(self, status: int, content: bytes) -> None:
        head = f"HTTP/1.1 {status} x\r\n{self._behaviour.headers}Content-Length: {len(content)}"
        self._transport.write(head.encode() + b"\r\n\r\n" + content)


@contextmanager
def answering(behaviour: Behaviour) -> Iterator[str]:
    """Run the server; yields its URL."""
    loop = asyncio.new_event_loop()
    listening = loop.run_until_complete(
        loop.create_server(lambda: _Connection(behaviour), "127.0.0.1", 0)
    )
    port = listening.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        listening.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
