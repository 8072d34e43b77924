"""The gate where requests begin: a few in each turn of the event loop, so that no turn is long.

What arrives in one turn is read in it, be it a hundred requests. If all began at once, the turn that
follows would take a hundred times as long as a request, and a probe of health that came meanwhile
would wait for its end, one on a new connection twice.

Where more come than can begin, each would wait as long as it may, and be answered too late. So what
has waited while the gate was never free is turned away after a moment, which costs a fraction of
beginning it; who comes right after it is in time. Source: K. Nichols, V. Jacobson, "Controlling queue
delay", 2012 (https://queue.acm.org/detail.cfm?id=2209336), in the form for servers.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

AT_ONCE = 4
"""Requests that begin in one turn: about a millisecond of work."""
BUSY_S = 0.5
"""So long a gate may be busy with what came in a burst."""
MOMENT_S = 0.02
"""What waits at a gate that is busy for longer waits no longer than this."""

_STALL_S = 0.05
"""What a turn counts for at most: one in which the process stood still says nothing of requests."""

Act = Callable[[], None]


class Gate:
    """Begins what it is given, in order.

    Args:
        loop: whose turns are meant.
        at_once: how many may begin in one turn.
        clock: seconds; only differences matter.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        at_once: int = AT_ONCE,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._loop, self._at_once, self._clock = loop, at_once, clock
        self._n_left = at_once
        self._busy_s = self._last_turn = 0.0
        self._waiting: deque[tuple[float, Act, Act]] = deque()

    def begin(self, start: Act, turn_away: Act) -> None:
        """Begin a request now, or in one of the next turns if enough has begun in this one.

        Args:
            start: begins it.
            turn_away: refuses it instead, where it would begin too late.
        """
        if self._n_left and not self._waiting:
            self._take(start)
            return
        now = self._clock()
        if not self._waiting:
            self._busy_s, self._last_turn = 0.0, now
        self._waiting.append((now, start, turn_away))

    def _take(self, act: Act) -> None:
        if self._n_left == self._at_once:
            self._loop.call_soon(self._turn)
        self._n_left -= 1
        act()

    def _turn(self) -> None:
        self._n_left = self._at_once
        if not self._waiting:
            return
        now = self._clock()
        self._busy_s += min(now - self._last_turn, _STALL_S)
        self._last_turn = now
        is_late = self._busy_s > BUSY_S
        while self._waiting and self._n_left:
            since, start, turn_away = self._waiting.popleft()
            self._take(turn_away if is_late and now - since > MOMENT_S else start)
