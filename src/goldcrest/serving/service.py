"""The service as a door sees it: predict, what is served, readiness and draining."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from goldcrest.errors import Draining
from goldcrest.values import Predict, Reply, Request, ServedModel


class Catalogue(Protocol):
    """What knows the models that are served."""

    @property
    def is_ready(self) -> bool:
        """Whether every model is open and its smallest shapes are warm."""
        ...

    def models(self) -> tuple[ServedModel, ...]: ...


def _as_is(predict: Predict) -> Predict:
    return predict


class Service:
    """Takes requests until it drains, and counts those in flight.

    Args:
        predict: answers a request.
        catalogue: knows what is served.
        observe: wraps the whole, so that a refusal while draining is seen too.
    """

    def __init__(
        self, predict: Predict, catalogue: Catalogue, observe: Callable[[Predict], Predict] = _as_is
    ) -> None:
        self._answer, self._catalogue = predict, catalogue
        self._observed = observe(self._admit)
        self.is_draining = False
        self.n_in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def is_ready(self) -> bool:
        """Whether new requests should be sent here."""
        return not self.is_draining and self._catalogue.is_ready

    def models(self) -> tuple[ServedModel, ...]:
        return self._catalogue.models()

    async def predict(self, request: Request) -> Reply:
        """Answer a request.

        Raises:
            ServingError: whatever keeps it from being answered.
        """
        return await self._observed(request)

    async def _admit(self, request: Request) -> Reply:
        if self.is_draining:
            raise Draining("the server is shutting down and takes no new requests")
        self.n_in_flight += 1
        self._idle.clear()
        try:
            return await self._answer(request)
        finally:
            self.n_in_flight -= 1
            if not self.n_in_flight:
                self._idle.set()

    def drain(self) -> None:
        """Refuse new requests from now on; those in flight are still answered."""
        self.is_draining = True

    async def drained(self) -> None:
        """Wait until nothing is in flight."""
        await self._idle.wait()
