"""Long work of a door on a thread of its own, so that the event loop keeps turning."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
LONG = 16_384
"""Numbers that are written as JSON in about a millisecond."""
OBJECT = 16
"""As many numbers as one object of a few fields takes to make and to write."""

_THREAD = ThreadPoolExecutor(1, thread_name_prefix="reply")
"""One: several would take the interpreter from the event loop in turns."""


async def apart(work: Callable[[], T], *, size: int) -> T:
    """Do short work at once, long work on the thread.

    It must take no step of more than a millisecond or two that holds on to the interpreter, such
    as writing a whole matrix by one call.

    Args:
        work: must not touch what belongs to the event loop.
        size: how much it is, as so many numbers that are written as JSON.
    """
    if size < LONG:
        return work()
    return await asyncio.get_running_loop().run_in_executor(_THREAD, work)
