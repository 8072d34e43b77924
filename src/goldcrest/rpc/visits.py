"""What became of each call of gRPC: counted, and a line in the log where it is wanted."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from grpc import StatusCode

from goldcrest.serving.urgency import NO_WISH, Wish

_log = logging.getLogger("goldcrest.access")


class Visit:
    """One call, from its beginning to its answer; what is learned of it is noted meanwhile.

    Attributes:
        caller: the name of the key that was shown; empty where none is asked for.
        model: the one that answered; empty where none did.
        wish: what its metadata and its deadline say of its urgency.
        lowered_to: the class that it was given, if that is less urgent than the one asked for.
        code: what it ended with; a call that ends with nothing was left by its caller.
    """

    __slots__ = ("begun", "caller", "code", "lowered_to", "model", "n_items", "n_tokens", "wish")

    def __init__(self) -> None:
        self.begun = perf_counter()
        self.caller = self.model = self.lowered_to = ""
        self.wish: Wish = NO_WISH
        self.n_items = self.n_tokens = 0
        self.code = StatusCode.CANCELLED

    @property
    def seconds(self) -> float:
        """Since it began."""
        return perf_counter() - self.begun


@dataclass(frozen=True, slots=True)
class Visits:
    """Hears of the end of every call.

    Attributes:
        count: is told its method and the name of its code.
        is_logged: whether there is an access log.
    """

    count: Callable[[str, str], None] = lambda _method, _code: None
    is_logged: bool = False

    def ended(self, visit: Visit, method: str) -> None:
        """Count the call, and log it."""
        self.count(method, visit.code.name)
        if self.is_logged:
            _log.info(
                "gRPC %s %s %.1f ms model=%s caller=%s items=%d tokens=%d",
                method,
                visit.code.name,
                visit.seconds * 1e3,
                visit.model or "-",
                visit.caller or "-",
                visit.n_items,
                visit.n_tokens,
            )
