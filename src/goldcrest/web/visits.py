"""What became of each request at the door: counted, timed, and a line in the log if wanted."""

from __future__ import annotations

import logging
from time import perf_counter

from starlette.types import Scope

from goldcrest.config import WebConfig
from goldcrest.metrics import Metrics
from goldcrest.serving.urgency import NO_WISH

GONE = 499
"""Stands for the status where the caller left before the answer; nothing was sent."""

ARRIVED = "goldcrest.arrived"
"""Where the server of the connection notes in the scope when the head was read."""

LET_IN = "goldcrest.let_in"
"""Where it is noted that a request takes room already."""
WHOLE = "goldcrest.whole"
"""Where it notes that the body is all there already, as that of nearly every request is."""

_log = logging.getLogger("goldcrest.access")


class Visit:
    """One request, from its head to its answer; what is learned of it is noted meanwhile.

    Attributes:
        begun: when its head was read, on the clock ``perf_counter``.
        caller: the name of the key that was shown; empty where none is asked for.
        model: the one that answered; empty where none did.
        wish: what the headers say of its urgency.
        lowered_to: the class that it was given, if that is less urgent than the one asked for.
        is_in: whether it was let in, and so takes room.
        n_bytes: of its body and its answer, held until it is answered.
    """

    __slots__ = (
        "begun",
        "caller",
        "is_in",
        "lowered_to",
        "model",
        "n_bytes",
        "n_items",
        "n_tokens",
        "wish",
    )

    def __init__(self, begun: float | None = None) -> None:
        self.begun = perf_counter() if begun is None else begun
        self.caller = self.model = self.lowered_to = ""
        self.wish, self.is_in = NO_WISH, False
        self.n_bytes = self.n_items = self.n_tokens = 0

    @property
    def seconds(self) -> float:
        """Since its head was read."""
        return perf_counter() - self.begun


class Visits:
    """Hears of the end of every visit.

    Args:
        config: says whether there is an access log.
        metrics: counts and times answers by route and status.
    """

    def __init__(self, config: WebConfig, metrics: Metrics) -> None:
        self._is_logged, self._count = config.access_log, metrics.answered

    def ended(self, visit: Visit, scope: Scope, *, route: str, status: int) -> None:
        """Count the visit, and log it.

        Args:
            visit: what is known of it.
            scope: of the request.
            route: the path in the table of routes; empty where there is none, so that callers
                cannot invent labels.
            status: what was sent.
        """
        seconds = perf_counter() - visit.begun
        self._count(route, status, seconds)
        if self._is_logged:
            _log.info(
                "%s %s %d %.1f ms model=%s caller=%s items=%d tokens=%d",
                scope["method"],
                path_of(scope),
                status,
                seconds * 1e3,
                visit.model or "-",
                visit.caller or "-",
                visit.n_items,
                visit.n_tokens,
            )


def path_of(scope: Scope) -> str:
    """The path as it was sent, so that no line break of a caller's gets into the log."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
    return raw.decode("ascii", "backslashreplace").replace("\n", "\\n").replace("\r", "\\r")
