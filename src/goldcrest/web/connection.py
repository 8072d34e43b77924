"""The caller's side of a request: its body, and whether it is still there."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from starlette.types import Receive

from goldcrest.errors import BodyTooLarge

T = TypeVar("T")
_PATIENCE = 8
"""How many times the limit is read before the connection is closed on a caller."""


class CallerGone(Exception):
    """Nobody is left to answer to."""


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, *, limit: int) -> bytes:
    """Read the whole body, but never keep more than ``limit`` bytes and one chunk.

    What is too large is read on and thrown away, within reason: a caller who is still sending
    when the connection closes sees a broken pipe instead of the refusal.

    Raises:
        BodyTooLarge: by what the header declares, or by what came in.
        CallerGone: the caller left before the end.
    """
    declared = headers.get(b"content-length", b"")
    n_declared = int(declared) if declared.isdigit() else 0
    chunks: list[bytes] = []
    n_bytes, is_more = 0, n_declared <= limit * _PATIENCE
    while is_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerGone
        chunk = message.get("body", b"")
        n_bytes += len(chunk)
        if max(n_bytes, n_declared) <= limit:
            chunks.append(chunk)
        is_more = message.get("more_body", False) and n_bytes <= limit * _PATIENCE
    if max(n_bytes, n_declared) > limit:
        raise BodyTooLarge(max(n_bytes, n_declared), limit)
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
