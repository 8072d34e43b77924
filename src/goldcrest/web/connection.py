"""The caller's side of a request: its body, and whether it is still there."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from starlette.types import Receive

from goldcrest.errors import BodyTooLarge

T = TypeVar("T")


class CallerGone(Exception):
    """Nobody is left to answer to."""


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, *, limit: int) -> bytes:
    """Read the whole body, but never more than ``limit`` bytes and one chunk.

    Raises:
        BodyTooLarge: by what the header declares, or by what came in.
        CallerGone: the caller left before the end.
    """
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > limit:
        raise BodyTooLarge(int(declared), limit)
    chunks, n_bytes, is_more = [], 0, True
    while is_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerGone
        chunk = message.get("body", b"")
        chunks.append(chunk)
        n_bytes += len(chunk)
        if n_bytes > limit:
            raise BodyTooLarge(n_bytes, limit)
        is_more = message.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def attended(work: Coroutine[Any, Any, T], receive: Receive) -> T:
    """Await the work, but cancel it when the caller leaves.

    Raises:
        CallerGone: the caller left first.
    """
    worker = asyncio.current_task()
    assert worker is not None  # noqa: S101  # a coroutine that runs is in a task
    watch = asyncio.create_task(_cancel_when_gone(worker, receive))
    try:
        return await work
    except asyncio.CancelledError:
        if watch.done() and not watch.cancelled():
            worker.uncancel()
            raise CallerGone from None
        raise
    finally:
        watch.cancel()


async def _cancel_when_gone(worker: asyncio.Task[Any], receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    worker.cancel()
