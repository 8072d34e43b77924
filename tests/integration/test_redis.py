"""The second level of the cache in a real Redis: shared, and never missed when it is away."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.running import Server, serving

from goldcrest.config import CacheConfig
from goldcrest.errors import ConfigError
from goldcrest.serving.cache_bytes import write
from goldcrest.serving.shared import Shared, open_shared
from goldcrest.serving.shared_value import name_of
from goldcrest.values import Answer, Encoding

pytest.importorskip("redis")
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is absent"),
]
KEY, OTHER = b"k" * 32, b"o" * 32
PATIENCE_S = 10.0


def written(number: float = 1.0) -> bytes:
    answer = Answer((np.full(2, number, np.float32),), (Encoding(np.arange(4, dtype=np.int32)),))
    found = write(answer)
    assert found is not None
    return found


class Redis:
    """A Redis of the test's own; it can be stopped, started and held up."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.options = folder, list[str]()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self, *options: str) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--dir", str(self.folder), "--loglevel", "warning", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603  # ours
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.1).close()
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.01)  # another process: there is nothing to wait on
            else:
                return

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)

    def tell(self, *words: str | bytes) -> bytes:
        """Send a command on a connection of its own."""
        with socket.create_connection(("127.0.0.1", self.port), 2) as line:
            parts = [word.encode() if isinstance(word, str) else word for word in words]
            bulks = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
            line.sendall(b"*%d\r\n%s" % (len(parts), bulks))
            return line.recv(65_536)


@pytest.fixture
def redis(tmp_path) -> Iterator[Redis]:
    one = Redis(tmp_path)
    one.start()
    yield one
    one.stop()


def open_at(redis: Redis, **settings: object) -> Shared:
    config = CacheConfig(**{"redis_url": redis.url, "redis_ms": 200.0, **settings})  # type: ignore[arg-type]
    shared = open_shared(config)
    assert shared is not None
    return shared


async def until_found(shared: Shared, key: bytes = KEY) -> bytes:
    """What is found under a key; asks until something is."""
    async with asyncio.timeout(PATIENCE_S):
        while not (found := await shared.fetch([key])):  # noqa: ASYNC110  # another process
            await asyncio.sleep(0.01)
    return found[key].written


async def until_counted(shared: Shared, outcome: str, n: int = 1) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while shared._counts[outcome] < n:  # noqa: ASYNC110  # another process
            await asyncio.sleep(0.01)


async def until_left_alone(shared: Shared) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not shared._reads.guard.is_open:
            await shared.fetch([KEY])
            await asyncio.sleep(0.01)


async def test_what_one_replica_keeps_another_finds(redis):
    one, other = open_at(redis), open_at(redis)
    one.keep(KEY, written(1.0))
    one.keep(OTHER, written(2.0))

    assert written(1.0) == await until_found(other, KEY)
    assert written(2.0) == await until_found(other, OTHER)
    await one.aclose()
    await other.aclose()


async def test_an_answer_has_a_time_to_live(redis):
    shared = open_at(redis, ttl_s=100.0)
    shared.keep(KEY, written())
    await until_counted(shared, "written")

    ttl_s = int(redis.tell("TTL", name_of(KEY))[1:].split()[0])
    assert 90 <= ttl_s <= 100
    await shared.aclose()


async def test_the_first_request_does_not_wait_for_a_connection(redis):
    shared = open_at(redis, redis_ms=0.001)
    begun = time.monotonic()

    assert {} == await shared.fetch([KEY])
    assert time.monotonic() - begun < 0.1
    await shared.aclose()


@pytest.mark.parametrize("value", [b"", b"garbage", b"gca\x01" + b"x" * 60, b"\x00" * 500])
async def test_garbage_is_no_answer_and_is_counted(redis, value):
    shared = open_at(redis)
    redis.tell("SET", name_of(KEY), value)
    shared.keep(OTHER, written())
    await until_found(shared, OTHER)

    assert {} == await shared.fetch([KEY])
    assert 1 == shared._counts["corrupt"]
    await shared.aclose()


async def test_an_answer_under_another_key_is_no_answer(redis):
    shared = open_at(redis)
    shared.keep(OTHER, written())
    await until_found(shared, OTHER)
    redis.tell("RENAME", name_of(OTHER), name_of(KEY))

    assert {} == await shared.fetch([KEY])
    await shared.aclose()


async def test_a_redis_that_stops_and_starts_is_left_alone_and_used_again(redis, caplog):
    caplog.set_level(logging.INFO, "goldcrest")
    shared = open_at(redis)
    shared.keep(KEY, written())
    await until_found(shared)
    redis.stop()
    await until_left_alone(shared)
    redis.start()
    shared.keep(KEY, written())
    async with asyncio.timeout(PATIENCE_S):
        while not await shared.fetch([KEY]):
            shared.keep(KEY, written())
            await asyncio.sleep(0.02)

    reads = [line for line in caplog.messages if "redis_read" in line]
    assert ["left alone", "answers again"] == [
        word for line in reads for word in ("left alone", "answers again") if word in line
    ]
    await shared.aclose()


async def test_a_redis_that_hangs_costs_no_more_than_the_settings_say(redis):
    shared = open_at(redis, redis_ms=20.0)
    shared.keep(KEY, written())
    await until_found(shared)
    redis.signal(signal.SIGSTOP)
    try:
        begun = time.monotonic()
        found = [await shared.fetch([KEY]) for _ in range(100)]
        seconds = time.monotonic() - begun

        assert [{}] * 100 == found
        assert seconds < 0.2  # one of them waited; the others saw that it is overdue
    finally:
        redis.signal(signal.SIGCONT)
    assert written() == await until_found(shared)
    await shared.aclose()


async def test_a_redis_that_is_slower_than_the_settings_allow_is_left_alone(redis):
    shared = open_at(redis, redis_ms=0.001)
    await until_left_alone(shared)

    assert {} == await shared.fetch([KEY])
    await shared.aclose()


async def test_a_redis_that_is_out_of_memory_is_still_read(redis):
    shared = open_at(redis)
    shared.keep(KEY, written())
    await until_found(shared)
    redis.tell("CONFIG", "SET", "maxmemory", "1")
    shared.keep(OTHER, written())
    await until_counted(shared, "dropped")

    assert written() == await until_found(shared)
    await shared.aclose()


async def test_a_redis_that_may_only_be_read_is_read(redis):
    shared = open_at(redis)
    shared.keep(KEY, written())
    await until_found(shared)
    redis.tell("REPLICAOF", "127.0.0.1", "1")
    shared.keep(OTHER, written())
    await until_counted(shared, "dropped")

    assert written() == await until_found(shared)
    await shared.aclose()


async def test_a_wrong_password_is_a_redis_that_is_left_alone_and_never_logged(redis, caplog):
    redis.tell("CONFIG", "SET", "requirepass", "right")
    shared = open_at(redis, redis_url=f"redis://:wr0ng@127.0.0.1:{redis.port}/0")
    await until_left_alone(shared)

    assert "left alone" in caplog.text
    assert "wr0ng" not in caplog.text
    await shared.aclose()


async def test_a_password_opens(redis):
    redis.tell("CONFIG", "SET", "requirepass", "p@ss/word")
    shared = open_at(redis, redis_url=f"redis://:p%40ss%2Fword@127.0.0.1:{redis.port}/0")
    shared.keep(KEY, written())

    assert written() == await until_found(shared)
    await shared.aclose()


async def test_a_unix_socket_does_too(tmp_path):
    redis = Redis(tmp_path)
    redis.start("--unixsocket", str(tmp_path / "redis.sock"))
    try:
        shared = open_at(redis, redis_url=f"unix://{tmp_path / 'redis.sock'}")
        shared.keep(KEY, written())

        assert written() == await until_found(shared)
        await shared.aclose()
    finally:
        redis.stop()


async def test_something_that_is_no_redis_is_left_alone(tmp_path):
    async def chatter(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(chatter, "127.0.0.1", 0)
    redis = Redis(tmp_path)
    redis.port = server.sockets[0].getsockname()[1]
    shared = open_at(redis)
    await until_left_alone(shared)

    assert {} == await shared.fetch([KEY])
    await shared.aclose()
    server.close()
    await server.wait_closed()


async def test_more_than_the_queue_holds_is_dropped_and_counted(tmp_path):
    shared = open_at(Redis(tmp_path))  # nobody listens there
    for _ in range(40):
        shared.keep(KEY, bytes(2**20))

    assert 24 == shared._counts["dropped"]
    await shared.aclose()


@pytest.mark.parametrize("url", ["http://:secret@host", "redis://:secret@host:port/0", "secret"])
def test_a_url_that_is_none_is_refused_without_its_password(url):
    with pytest.raises(ConfigError) as caught:
        open_shared(CacheConfig(redis_url=url))

    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def n_shared(server: Server) -> int:
    """How many texts a server found at the second level."""
    with urllib.request.urlopen(server.url + "/metrics", timeout=10) as reply:  # noqa: S310  # ours
        found = re.findall(r'cache_lookups_total{.*outcome="shared"} (\S+)', reply.read().decode())
    return sum(map(int, found))


def test_servers_share_their_answers_and_do_without_when_it_goes(redis, tiny, config):
    redis.tell("CONFIG", "SET", "requirepass", "s3cret")
    settings = ["--set", f"cache.redis_url=redis://:s3cret@127.0.0.1:{redis.port}/0"]
    settings += ["--set", "cache.redis_ms=200", "--threads", "1", "--precision", "f32"]
    arguments = [str(tiny.folder), *settings]
    with (
        serving(*arguments, cache=config.cache.folder) as one,
        serving(*arguments, cache=config.cache.folder) as other,
    ):
        one.until_ready()
        other.until_ready()
        deadline = time.monotonic() + PATIENCE_S
        number = 0
        while not n_shared(other):
            assert time.monotonic() < deadline, one.log + other.log
            number += 1
            body = {"text": f"the film is good {number}"}
            first = one.call("/classify", body)
            time.sleep(0.05)  # other processes: there is nothing to wait on
            assert first == other.call("/classify", body)
        redis.stop()

        answers = [one.call("/classify", {"text": f"gone {n}"})[0] for n in range(50)]

        assert [200] * 50 == answers
        one.logged("redis_read at redis://.* is left alone")
        assert "s3cret" not in one.log + other.log
