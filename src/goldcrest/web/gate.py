"""The gate where requests begin: a few in each turn of the event loop, so that no turn is long.

What arrives in one turn is read in it, be it a hundred requests. If all began at once, the turn that
follows would take a hundred times as long as a request, and a probe of health that came meanwhile
would wait for its end, one on a new connection twice.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

AT_ONCE = 8
"""Requests that begin in one turn: about two milliseconds of work."""


class Gate:
    """Begins what it is given, in order.

    Args:
        loop: whose turns are meant.
        at_once: how many may begin in one turn.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, at_once: int = AT_ONCE) -> None:
        self._loop, self._at_once = loop, at_once
        self._n_left = at_once
        self._waiting: deque[Callable[[], None]] = deque()

    def begin(self, start: Callable[[], None]) -> None:
        """Call it now, or in one of the next turns if enough has begun in this one."""
        if self._n_left == self._at_once:
            self._loop.call_soon(self._turn)
        if self._n_left:
            self._n_left -= 1
            start()
        else:
            self._waiting.append(start)

    def _turn(self) -> None:
        self._n_left = self._at_once
        while self._waiting and self._n_left:
            self.begin(self._waiting.popleft())
