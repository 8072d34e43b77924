"""The service as a door sees it: predict, what is served, readiness and draining."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from goldcrest.errors import DeadlineExceeded, Draining
from goldcrest.tasks import O, Predict, Reply, Request
from goldcrest.text.tokenizer import Tokenizer
from goldcrest.values import ServedModel


class Catalogue(Protocol):
    """What knows the models that are served, and can open and close them."""

    @property
    def is_ready(self) -> bool:
        """Whether every model is open and its smallest shapes are warm."""
        ...

    @property
    def expected(self) -> tuple[str, ...]:
        """The names in the settings, open or not."""
        ...

    def models(self) -> tuple[ServedModel, ...]:
        """Describe what is open, in the order of the settings."""
        ...

    def tokenizer(self, model: str | None) -> Tokenizer:
        """The tokenizer of a model; of the first where none is named.

        Raises:
            NotServed: there is no such model.
            Unavailable: it is not open.
        """
        ...

    async def load(self, model: str) -> None:
        """Open a model of the settings that was taken out of service; an open one stays.

        Raises:
            Forbidden: callers may not.
            UnknownModel: the settings have none of that name.
            GoldcrestError: it cannot be opened.
        """
        ...

    async def unload(self, model: str) -> None:
        """Take a model out of service and free its memory; what runs is answered.

        Raises:
            Forbidden: callers may not.
            UnknownModel: the settings have none of that name.
        """
        ...


def _as_is(predict: Predict) -> Predict:
    return predict


class Service:
    """Takes requests until it drains, and counts those in flight.

    Args:
        predict: answers a request.
        catalogue: knows what is served.
        observe: wraps the whole, so that a refusal while draining is seen too.
        check: raises where no work should be taken, as when memory is short.
        is_alive: whether the engines still come back from their work.
    """

    def __init__(
        self,
        predict: Predict,
        catalogue: Catalogue,
        observe: Callable[[Predict], Predict] = _as_is,
        *,
        check: Callable[[], None] = lambda: None,
        is_alive: Callable[[], bool] = lambda: True,
    ) -> None:
        self._answer, self.catalogue = predict, catalogue
        self._check, self._is_alive = check, is_alive
        self._observed = observe(self._admit)
        self.is_draining = False
        self.n_in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def is_ready(self) -> bool:
        """Whether new requests should be sent here."""
        return not self.is_draining and self.catalogue.is_ready and self._is_alive()

    @property
    def is_alive(self) -> bool:
        """Whether the process is worth keeping: its engines come back from their work."""
        return self._is_alive()

    def models(self) -> tuple[ServedModel, ...]:
        return self.catalogue.models()

    async def predict(self, request: Request[O]) -> Reply[O]:
        """Answer a request.

        Raises:
            ServingError: whatever keeps it from being answered.
        """
        return await self._observed(request)

    def check(self) -> None:
        """Refuse work while none is taken; doors ask before they read what is long.

        Raises:
            Draining: the server ends.
            ServingError: whatever else keeps it from taking any.
        """
        if self.is_draining:
            raise Draining("the server is shutting down and takes no new requests")
        self._check()

    async def _admit(self, request: Request[O]) -> Reply[O]:
        self.check()
        self.n_in_flight += 1
        self._idle.clear()
        try:
            if request.urgency.deadline_s is None:
                return await self._answer(request)
            return await self._answer_in_time(request, request.urgency.deadline_s)
        finally:
            self.n_in_flight -= 1
            if not self.n_in_flight:
                self._idle.set()

    async def _answer_in_time(self, request: Request[O], limit_s: float) -> Reply[O]:
        """Answer, or say at the deadline that there is none: nobody waits for a hung engine."""
        if limit_s <= 0:
            raise DeadlineExceeded(-limit_s)
        try:
            async with asyncio.timeout(limit_s):
                return await self._answer(request)
        except TimeoutError as late:
            raise DeadlineExceeded(limit_s) from late

    def drain(self) -> None:
        """Refuse new requests from now on; those in flight are still answered."""
        self.is_draining = True

    async def drained(self) -> None:
        """Wait until nothing is in flight."""
        await self._idle.wait()
