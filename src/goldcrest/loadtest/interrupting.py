"""What Ctrl-C does while a test runs."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def interrupting(stop: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C call a function, once; the second time it interrupts as ever."""
    loop = asyncio.get_running_loop()

    def ring() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        stop()

    try:
        loop.add_signal_handler(signal.SIGINT, ring)
    except (RuntimeError, ValueError):  # not the main thread, which alone is told of signals
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
