"""One request on its way, and the stream that it belongs to."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from benchmarks.client import HOST
from benchmarks.under_load.plan import Fate, Seen, Stream


@dataclass(slots=True)
class Asked:
    """One request and what has become of it."""

    load: Load
    number: int
    due: float
    sent: float = 0.0
    done: float = 0.0
    fate: Fate = Fate.SILENT
    status: int = 0
    server_ms: float = -1.0
    retry_after: float = -1.0
    body: bytes = b""
    is_closed_loop: bool = False


@dataclass
class Load:
    """One stream on its way out."""

    stream: Stream
    requests: list[bytes]
    chance: random.Random
    asked: list[Asked] = field(default_factory=list)
    n_open: int = 0

    def next_request(self, due: float, *, is_closed_loop: bool = False) -> Asked:
        asked = Asked(self, len(self.asked), due, is_closed_loop=is_closed_loop)
        self.asked.append(asked)
        self.n_open += 1
        return asked

    def bytes_of(self, asked: Asked) -> bytes:
        return self.requests[self.stream.body_of(asked.number)]

    def is_due(self, now: float) -> bool:
        """Whether a closed loop goes on."""
        is_full = self.stream.n_most and len(self.asked) >= self.stream.n_most
        return not is_full and now < self.stream.begin_s + self.stream.seconds


def load_of(stream: Stream, port: int) -> Load:
    """A stream with its requests as bytes, made before the clock starts."""
    requests = [request_bytes(stream, port, body.encode()) for body in stream.bodies]
    return Load(stream, requests, random.Random(stream.seed))  # noqa: S311  # no secret


def request_bytes(stream: Stream, port: int, content: bytes) -> bytes:
    """One POST, whole."""
    headers = {
        "Host": f"{HOST}:{port}",
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        **stream.headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {stream.path} HTTP/1.1\r\n{lines}\r\n".encode() + content


def seen_of(load: Load) -> Seen:
    """What became of all requests of a stream."""
    asked = load.asked
    return Seen(
        name=load.stream.name,
        sent_body=[load.stream.body_of(a.number) for a in asked],
        due=[a.due for a in asked],
        sent=[a.sent for a in asked],
        done=[a.done for a in asked],
        fate=[int(a.fate) for a in asked],
        status=[a.status for a in asked],
        server_ms=[a.server_ms for a in asked],
        retry_after=[a.retry_after for a in asked],
        body=[a.body for a in asked],
    )
