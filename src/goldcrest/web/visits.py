"""What became of each request at the door: counted, and a line in the log where it is wanted."""

from __future__ import annotations

import logging
from time import perf_counter

from starlette.types import Scope

from goldcrest.config import WebConfig
from goldcrest.metrics import Metrics

GONE = 499
"""Stands for the status where the caller left before the answer; nothing was sent."""

_log = logging.getLogger("goldcrest.access")


class Visit:
    """One request, from its first byte to its answer; what is learned of it is noted meanwhile.

    Attributes:
        caller: the name of the key that was shown; empty where none is asked for.
        model: the one that answered; empty where none did.
    """

    __slots__ = ("begun", "caller", "model", "n_items", "n_tokens")

    def __init__(self) -> None:
        self.begun = perf_counter()
        self.caller = self.model = ""
        self.n_items = self.n_tokens = 0


class Visits:
    """Hears of the end of every visit.

    Args:
        config: says whether there is an access log.
        metrics: counts answers by route and status.
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
        self._count(route, status)
        if self._is_logged:
            _log.info(
                "%s %s %d %.1f ms model=%s caller=%s items=%d tokens=%d",
                scope["method"],
                path_of(scope),
                status,
                (perf_counter() - visit.begun) * 1e3,
                visit.model or "-",
                visit.caller or "-",
                visit.n_items,
                visit.n_tokens,
            )


def path_of(scope: Scope) -> str:
    """The path as it was sent, so that no line break of a caller's gets into the log."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
    return raw.decode("ascii", "backslashreplace").replace("\n", "\\n").replace("\r", "\\r")
