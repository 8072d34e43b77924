"""A real server in this process, whose answers wait until they are released."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2
import numpy as np
from tests.answering import Answering

from goldcrest.config import WebConfig
from goldcrest.metrics import Metrics
from goldcrest.names import TaskName
from goldcrest.serving.service import Service
from goldcrest.tasks import Reply, Request
from goldcrest.values import ServedModel
from goldcrest.web.app import create
from goldcrest.web.server import serve

_MANY = 4_000_000
"""Numbers of a large answer: more than the kernel holds for a caller who does not read."""


@dataclass
class Held(Answering):
    """A service that answers only when it is released; "quick" and "large" are answered at once."""

    served: Sequence[ServedModel] = ()
    outputs: Mapping[TaskName, Any] = field(default_factory=dict)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    async def predict(self, request: Request[Any]) -> Reply[Any]:
        self.asked.append(request)
        self.begun.set()
        try:
            if request.items[0] not in {"quick", "large"}:
                await self.released.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        n_columns = _MANY if request.items[0] == "large" else 1
        return Reply("m", np.ones((1, n_columns), np.float32), ("x",), (3,), (0,), (1,))


@dataclass
class Connection:
    """A caller's end."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def answer(self) -> bytes:
        """The next answer, head and body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        assert length is not None
        return head + await self.reader.readexactly(int(length[1]))

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


def request(text: str) -> bytes:
    """A request that asks for this text."""
    body = b'{"text": "%b"}' % text.encode()
    return head(len(body)) + body


def head(n_bytes: int) -> bytes:
    """The head of a request with so much body."""
    return b"POST /classify HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % n_bytes


@dataclass
class Running:
    """A server under test."""

    held: Held
    port: int
    ended: asyncio.Task[int]
    client: httpx2.AsyncClient

    async def connected(self, *requests: bytes) -> Connection:
        """A connection over which these were sent."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"".join(requests))
        await writer.drain()
        return Connection(reader, writer)

    def ask(self, text: str = "slow") -> asyncio.Task[httpx2.Response]:
        return asyncio.create_task(self.client.post("/classify", json={"text": text}))


@asynccontextmanager
async def running(held: Held | None = None, **settings: Any) -> AsyncIterator[Running]:
    """A server with these settings of the web, until the end."""
    held, port = held or Held(), asyncio.get_running_loop().create_future()
    service, config = Service(held.predict, held), WebConfig(port=0, **settings)
    app = create(service, config, Metrics(version="1"))
    ended = asyncio.create_task(
        serve(app, config, service, started=lambda _, bound: port.set_result(bound))
    )
    url = f"http://127.0.0.1:{await port}"
    async with httpx2.AsyncClient(base_url=url, trust_env=False) as client:
        yield Running(held, port.result(), ended, client)
    if not ended.done():
        os.kill(os.getpid(), signal.SIGTERM)
        await ended
