"""One record for every request, whatever became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from operator import add
from typing import Any

from goldcrest.errors import GoldcrestError
from goldcrest.records import RequestRecord
from goldcrest.tasks import O, Predict, Reply, Request


@dataclass(frozen=True, slots=True)
class Observed:
    """A `Predict` that tells of each call.

    Attributes:
        predict: what is observed.
        record: is given the records; must be quick.
        clock: seconds; only differences matter.
    """

    predict: Predict
    record: Callable[[RequestRecord], None]
    clock: Callable[[], float]

    async def __call__(self, request: Request[O]) -> Reply[O]:
        """Pass the request on, and record how it ended."""
        start = self.clock()
        reply: Reply[O] | None = None
        outcome = "internal"
        try:
            reply = await self.predict(request)
            outcome = "ok"
        except GoldcrestError as error:
            outcome = error.code
            raise
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        finally:
            self.record(_record(request, reply, outcome, self.clock() - start))
        return reply


def _record(
    request: Request[Any], reply: Reply[Any] | None, outcome: str, seconds: float
) -> RequestRecord:
    return RequestRecord(
        task=request.task.name,
        model="" if reply is None else reply.model,
        outcome=outcome,
        n_items=len(request.items),
        n_tokens=0 if reply is None else sum(reply.n_tokens),
        n_truncated=0 if reply is None else sum(map(bool, reply.n_dropped)),
        seconds=seconds,
        caller=request.caller,
        priority=request.urgency.priority,
        lengths=() if reply is None else _lengths(reply, request.task.n_parts),
    )


def _lengths(reply: Reply[Any], n_parts: int) -> tuple[int, ...]:
    if reply.lengths:
        return reply.lengths
    if n_parts == 1:
        return tuple(map(add, reply.n_tokens, reply.n_dropped))
    pairs = zip(reply.n_tokens, reply.n_dropped, strict=True)
    return tuple(n_tokens // n_parts + n_dropped for n_tokens, n_dropped in pairs)
