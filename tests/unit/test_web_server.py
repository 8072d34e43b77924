"""The HTTP door on a real socket: draining, signals, callers that leave."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest
from tests.held import Held, running

from goldcrest.config import WebConfig
from goldcrest.errors import ConfigError
from goldcrest.metrics import Metrics
from goldcrest.serving.service import Service
from goldcrest.web.app import create
from goldcrest.web.server import serve

pytestmark = pytest.mark.integration

SCRIPT = """
import sys
from goldcrest.config import WebConfig
from goldcrest.metrics import Metrics
from goldcrest.serving.service import Service
from goldcrest.web.app import create
from goldcrest.web.server import run, serve

class Nothing:
    is_ready = True
    def models(self):
        return ()

async def main():
    service = Service(None, Nothing())
    config = WebConfig(port=0)
    app = create(service, config, Metrics(version="1"))
    return await serve(app, config, service, started=lambda host, port: print(port, flush=True))

sys.exit(run(main()))
"""


def _signal(number: int = signal.SIGTERM) -> None:
    os.kill(os.getpid(), number)


async def test_what_is_in_flight_is_answered_after_the_signal():
    async with running() as server:
        slow = server.ask()
        await server.held.begun.wait()

        _signal()
        server.held.released.set()

        assert (200, 0) == ((await slow).status_code, await server.ended)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_with_nothing_in_flight_ends_with_success(number):
    async with running() as server:
        _signal(number)

        assert 0 == await server.ended


async def test_while_draining_it_is_live_but_neither_ready_nor_open_to_work():
    async with running() as server:
        slow = server.ask()
        await server.held.begun.wait()
        _signal()
        live = await server.client.get("/health/live")
        ready = await server.client.get("/health/ready")
        refused = await server.ask("quick")
        server.held.released.set()
        await slow

    assert (200, 503, 503) == (live.status_code, ready.status_code, refused.status_code)
    assert "draining" == refused.json()["error"]["code"]


async def test_who_is_cut_off_at_the_end_of_the_drain_is_told_so():
    async with running(drain_s=0.0) as server:
        slow = server.ask()
        await server.held.begun.wait()

        _signal()

        response = await slow
        assert (503, "draining") == (response.status_code, response.json()["error"]["code"])
        assert 0 == await server.ended


async def test_a_second_signal_ends_at_once_and_is_no_success():
    async with running() as server:
        slow = server.ask()
        await server.held.begun.wait()

        _signal()
        _signal()

        assert 128 + signal.SIGTERM == await server.ended
        slow.cancel()


async def test_work_is_cancelled_when_its_caller_leaves():
    async with running() as server:
        body = b'{"text": "slow"}'
        head = f"POST /classify HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(head.encode() + body)
        await server.held.begun.wait()

        writer.close()

        async with asyncio.timeout(5):
            await server.held.cancelled.wait()


async def test_a_caller_that_leaves_is_no_failure_in_the_log(caplog):
    async with running() as server:
        slow = server.ask()
        await server.held.begun.wait()
        slow.cancel()
        async with asyncio.timeout(5):
            await server.held.cancelled.wait()
        await server.ask("quick")

    assert [] == [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_connection_serves_again_after_a_body_too_large():
    async with running() as server:
        refused = await server.client.post("/classify", content=b" " * 3_000_000)
        answered = await server.ask("quick")

    assert (413, 200) == (refused.status_code, answered.status_code)


async def test_a_caller_that_leaves_amid_its_body_reaches_no_model():
    async with running() as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST /classify HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        await server.client.get("/health/live")

        assert not server.held.begun.is_set()


async def test_it_ends_when_nothing_is_left_to_serve():
    held, config = Held(), WebConfig(port=0)
    service = Service(held.predict, held)
    app = create(service, config, Metrics(version="1"))

    async with asyncio.timeout(5):
        assert 0 == await serve(app, config, service, is_over=lambda: True)


async def test_a_port_in_use_is_told_with_its_number():
    async with running() as server:
        config = WebConfig(port=server.port)

        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1 port {server.port}"):
            await serve(server.client, config, Service(server.held.predict, server.held))  # type: ignore[arg-type]  # never called


def test_the_process_ends_with_0_after_sigterm():
    command = [sys.executable, "-c", SCRIPT]

    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603  # ours
        assert process.stdout is not None
        process.stdout.readline()

        process.send_signal(signal.SIGTERM)

        assert 0 == process.wait(timeout=20)
