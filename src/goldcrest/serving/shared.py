"""The second level of the result cache: a Redis that replicas share; the only module that uses it.

No request ever waits longer for it than the settings say, and none fails because of it. A
connection is made, and tried out, in the background. What waits to be looked up goes there in one
command, what waits to be kept in another; a breaker stands before each, for a Redis may well be
read and not written.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from goldcrest.config import CacheConfig
from goldcrest.config.masked import without_secrets
from goldcrest.errors import ConfigError
from goldcrest.records import Sample
from goldcrest.serving.shared_line import GIVE_UP_S, Line
from goldcrest.serving.shared_value import Kept, name_of, unwrap, wrap

if TYPE_CHECKING:  # an extra brings it
    from redis.asyncio import Redis

_GATHER_S = 0.01
"""How long answers that are to be kept wait for others to go with them."""

_MOST_ASKED = 4096
"""Keys that wait to be looked up; beyond that they are not."""

_TOGETHER = 256
"""Keys per command."""

_MOST_QUEUED_BYTES = 16 * 2**20
"""Answers that wait to be kept."""


def open_shared(config: CacheConfig) -> Shared | None:
    """The second level that the settings ask for, if they do; nothing is connected yet.

    Raises:
        ConfigError: its URL is none, or the extra is not installed.
    """
    if not config.redis_url:
        return None
    try:
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError as error:
        raise ConfigError(
            "cache.redis_url needs the extra redis; install it with: pip install goldcrest[redis]"
        ) from error

    def connect() -> Redis:
        client = Redis.from_url(
            config.redis_url,
            socket_timeout=GIVE_UP_S,
            socket_connect_timeout=GIVE_UP_S,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
        )
        client.connection_pool.connection_kwargs["decode_responses"] = False  # a URL may ask for it
        return client

    try:
        connect()
    except (ValueError, TypeError):
        raise ConfigError(
            "cache.redis_url is no URL of a Redis; write redis://, rediss:// or unix:// with host, "
            "port and database, and percent-encode what the password holds of @ : / ? #"
        ) from None  # the cause may repeat the password
    place = without_secrets(config.redis_url)
    return Shared(connect, place=place, wait_s=config.redis_ms / 1e3, ttl_s=config.ttl_s)


class Shared:
    """A `SharedLevel` in a Redis; to be used on one event loop.

    Args:
        connect: makes a client; it connects when it is first used.
        place: where to, without secrets, for the log.
        wait_s: the longest that anybody waits for it.
        ttl_s: how long an answer is kept.
        wall: seconds since 1970: how old an answer is, replicas tell each other.
    """

    def __init__(
        self,
        connect: Callable[[], Redis],
        *,
        place: str,
        wait_s: float,
        ttl_s: float,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._wait_s, self._ttl_s, self._wall = wait_s, ttl_s, wall
        self._reads = Line("redis_read", connect, place=place, wait_s=wait_s)
        self._writes = Line("redis_write", connect, place=place, wait_s=GIVE_UP_S)
        self._asked: dict[bytes, list[asyncio.Future[Kept | None]]] = {}
        self._queue: deque[tuple[bytes, bytes]] = deque()
        self._queued_bytes = 0
        self._counts: Counter[str] = Counter()

    async def fetch(self, keys: Collection[bytes]) -> Mapping[bytes, Kept]:
        """What it has of these, as far as it says so in time."""
        reads = self._reads
        if reads.is_overdue or len(self._asked) + len(keys) > _MOST_ASKED:
            return {}
        if reads.guard.is_open or not reads.is_connected:
            reads.start(self._look_up)
            return {}
        waiters = {key: self._ask(key) for key in keys}
        reads.start(self._look_up)
        _, late = await asyncio.wait(waiters.values(), timeout=self._wait_s)
        self._counts["late"] += len(late)
        for waiter in late:
            waiter.cancel()
        landed = {key: waiter.result() for key, waiter in waiters.items() if waiter not in late}
        return {key: kept for key, kept in landed.items() if kept is not None}

    def keep(self, key: bytes, answer: bytes) -> None:
        """Keep an answer, at some later moment; it is dropped where too many wait already."""
        is_resting = self._writes.guard.rest_s > 0
        if is_resting:
            self._drop_all()
        if is_resting or self._queued_bytes + len(answer) > _MOST_QUEUED_BYTES:
            self._counts["dropped"] += 1
            return
        self._queue.append((key, answer))
        self._queued_bytes += len(answer)
        self._writes.start(self._write)

    def samples(self) -> Iterator[Sample]:
        """What is told to the metrics, read at the moment of asking."""
        for outcome in ("read", "corrupt", "late", "written", "dropped"):
            yield "cache_shared", (outcome,), float(self._counts[outcome])
        yield from self._reads.guard.samples()
        yield from self._writes.guard.samples()

    async def aclose(self) -> None:
        """Disconnect; what still waits to be kept is dropped."""
        self._drop_all()
        await self._reads.close()
        await self._writes.close()

    def _drop_all(self) -> None:
        self._counts["dropped"] += len(self._queue)
        self._queue.clear()
        self._queued_bytes = 0

    def _ask(self, key: bytes) -> asyncio.Future[Kept | None]:
        waiter: asyncio.Future[Kept | None] = asyncio.get_running_loop().create_future()
        self._asked.setdefault(key, []).append(waiter)
        return waiter

    async def _look_up(self) -> None:
        """Look up whatever waits, until nothing does."""
        try:
            while self._asked:
                keys = [*self._asked][:_TOGETHER]
                waiting = {key: self._asked.pop(key) for key in keys}
                self._answer(waiting, await self._values(keys))
                if not self._reads.is_connected:
                    break  # those that still wait had better not
        finally:
            self._answer(self._asked, {})
            self._asked = {}

    async def _values(self, keys: list[bytes]) -> Mapping[bytes, object]:
        async def mget() -> dict[bytes, object]:
            values = await self._reads.client.mget([name_of(key) for key in keys])
            return dict(zip(keys, values, strict=True))

        return await self._reads.run(mget) or {}

    def _answer(
        self,
        waiting: Mapping[bytes, list[asyncio.Future[Kept | None]]],
        values: Mapping[bytes, object],
    ) -> None:
        for key, waiters in waiting.items():
            kept = self._kept(key, values.get(key))
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(kept)

    def _kept(self, key: bytes, value: object) -> Kept | None:
        if value is None:
            return None
        kept = unwrap(key, value, now=self._wall(), ttl_s=self._ttl_s)
        self._counts["corrupt" if kept is None else "read"] += 1
        return kept

    async def _write(self) -> None:
        """Keep whatever waits, until nothing does."""
        while self._queue:
            await asyncio.sleep(_GATHER_S)
            part = [self._queue.popleft() for _ in range(min(_TOGETHER, len(self._queue)))]
            self._queued_bytes -= sum([len(answer) for _, answer in part])
            done = await self._writes.run(partial(self._set_all, part))
            self._counts["dropped" if done is None else "written"] += len(part)

    async def _set_all(self, part: list[tuple[bytes, bytes]]) -> list[Any]:
        now = self._wall()
        pipeline = self._writes.client.pipeline(transaction=False)
        for key, answer in part:
            pipeline.set(
                name_of(key), wrap(key, answer, now=now), px=max(1, int(self._ttl_s * 1e3))
            )
        result: list[Any] = await pipeline.execute()
        return result
