"""How much a door takes in at once: requests, and bytes of theirs."""

from __future__ import annotations

from goldcrest.errors import Overloaded

_RETRY_S = 1.0
"""When to come back: requests leave all the time, but many wait to come in."""


class Room:
    """Counts what is in; refuses what there is no room for. For one thread.

    Args:
        max_requests: that are in at once.
        max_bytes: that they hold at once; an empty room takes any number of one request.
    """

    def __init__(self, max_requests: int, max_bytes: int) -> None:
        self._max_requests, self._max_bytes = max_requests, max_bytes
        self.n_requests = self.n_bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether no further request fits."""
        return self.n_requests >= self._max_requests

    def refusal(self) -> Overloaded:
        """What is told to a request that does not fit."""
        return Overloaded(
            f"{self.n_requests} requests are being answered, as many as there is room for",
            retry_after_s=_RETRY_S,
        )

    def enter(self) -> None:
        """Take a request in.

        Raises:
            Overloaded: there is no room for another; it is not in.
        """
        if self.n_requests >= self._max_requests:
            raise self.refusal()
        self.n_requests += 1

    def turn_away(self, waited_s: float) -> Overloaded:
        """Let a request go before it began, and give what it is told."""
        self.leave(0)
        return Overloaded(
            f"requests come faster than they can be begun; this one has waited {waited_s:.3f} s",
            retry_after_s=_RETRY_S,
        )

    def check(self, n_bytes: int) -> None:
        """Ask whether so many bytes would fit; they are counted only when they come.

        Raises:
            Overloaded: they would not.
        """
        if self.n_bytes and self.n_bytes + n_bytes > self._max_bytes:
            raise Overloaded(
                f"{self.n_bytes} bytes of requests are held; {n_bytes} more would exceed the "
                f"limit of {self._max_bytes}",
                retry_after_s=_RETRY_S,
            )

    def hold(self, n_bytes: int) -> None:
        """Count bytes that came in with a request that is in.

        Raises:
            Overloaded: there is no room for them; they are not counted.
        """
        self.check(n_bytes)
        self.n_bytes += n_bytes

    def keep(self, n_bytes: int) -> None:
        """Count bytes that go out for a request that is in: until they have gone, they are here."""
        self.n_bytes += n_bytes

    def leave(self, n_bytes: int) -> None:
        """Let a request go, with the bytes that it held."""
        self.n_requests -= 1
        self.n_bytes -= n_bytes
