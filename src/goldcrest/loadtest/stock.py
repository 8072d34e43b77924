"""The requests of an open loop, made before they are due but not all at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice

from goldcrest.loadtest.connection import Request

N_AHEAD = 100_000
"""Requests that are made before a step begins. A longer step makes one more for each that it sends,
so that a test of hours holds as much memory as one of minutes."""


class Stock:
    """Requests in the order in which they are due.

    Args:
        made: makes them, as they are asked for; each due so long after the step begins.
        n_ahead: that are made now.
    """

    def __init__(self, made: Iterator[Request], *, n_ahead: int = N_AHEAD) -> None:
        self._made = made
        self._ahead = deque(islice(made, n_ahead))
        self._began = 0.0

    def begin(self, at: float) -> None:
        """Let the step begin at this moment of the monotonic clock."""
        self._began = at

    def due(self) -> float | None:
        """When the next one is due; None if all were taken."""
        return self._began + self._ahead[0].due if self._ahead else None

    def take(self) -> Request:
        """The next one, of which there must be one; its moment is on the monotonic clock."""
        request = self._ahead.popleft()
        request.due += self._began
        self._ahead.extend(islice(self._made, 1))
        return request
