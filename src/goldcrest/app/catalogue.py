"""The models of a server: opened at the start or on demand, taken out and put back while it runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Lock

from goldcrest.app.budget import Headroom
from goldcrest.app.describe import foresee
from goldcrest.app.moves import Moves, unavailable
from goldcrest.app.place import Place
from goldcrest.app.recycling import Recycling, hangs_again_and_again
from goldcrest.app.renewals import Renewals, submitted
from goldcrest.app.source import Progress
from goldcrest.config import Config
from goldcrest.errors import ConfigError, Forbidden, InvalidRequest, Loading, UnknownModel
from goldcrest.model.site import Site
from goldcrest.prompt import give_way
from goldcrest.records import Sample
from goldcrest.serving.cascade import Cascade
from goldcrest.serving.routing import Closed, Routed
from goldcrest.text.tokenizer import Tokenizer
from goldcrest.values import ServedModel


class OpenModels:
    """A `Catalogue` of the models in the settings.

    Args:
        config: the settings in force.
        routed: is told what opens and what closes.
        progress: told of each step of a compilation.
        headroom: what the process may still take.
        clock: seconds; only differences matter.
    """

    def __init__(
        self,
        config: Config,
        routed: Routed,
        progress: Progress,
        *,
        headroom: Headroom | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config, self._routed, self._clock = config, routed, clock
        self.places = {model.name: Place(model, clock) for model in config.models}
        found = tuple(self.places.values())
        headroom = headroom or Headroom()
        self.moves = Moves(config, found, routed, headroom, progress=progress, clock=clock)
        self.moves.closed_as, self.moves.hung = self._closed, self._hung
        self._recycling = Recycling(config, self.moves, routed, headroom, clock=clock)
        # Opening gives way to what is being served, and so do engines, which inherit it.
        self._openers = ThreadPoolExecutor(config.memory.loads, "open", initializer=give_way)
        self._mover = ThreadPoolExecutor(1, "models")
        self._renewals = Renewals(config, found, self._recycling, headroom, clock=clock)
        self._beginning = Lock()

    @property
    def is_ready(self) -> bool:
        return self._routed.is_ready

    @property
    def is_alive(self) -> bool:
        """Whether fresh engines help against whatever hangs."""
        now = self._clock()
        return not any(hangs_again_and_again(place, now) for place in self.places.values())

    @property
    def expected(self) -> tuple[str, ...]:
        return self._routed.expected

    def models(self) -> tuple[ServedModel, ...]:
        return self._routed.models()

    def samples(self) -> Iterator[Sample]:
        """What is told to the metrics, read at the moment of asking."""
        yield from self.moves.samples()
        open_now = [place.version for place in self.places.values()]
        footprints = [version.footprint for version in open_now if version is not None]
        yield "memory_bytes", ("weights",), sum(one.weights_bytes for one in footprints)
        yield "memory_bytes", ("kernels",), sum(one.kernels_bytes for one in footprints)

    def tokenizer(self, model: str | None) -> Tokenizer:
        place = self._routed.place(model, None)
        if isinstance(place, Cascade):  # all of them: one that is not there says why
            first, *_ = map(self.tokenizer, place.members)
            return first
        if isinstance(place, Closed):
            found = self.places[place.name]
            self._begin(found)
            raise Loading(f"the model {found.name!r} is being opened", found.took_s)
        return place.version.tokenizer

    # At the start, and at the end -----------------------------------------------------------

    def open_all(self, site: Site) -> None:
        """Open the models that are wanted from the start; return when all of them are.

        Raises:
            GoldcrestError: one cannot be opened; the first of them in the settings.
            ConfigError: models of a cascade do not fit together.
        """
        self.moves.site = site
        lazy = [place for place in self.places.values() if place.is_lazy]
        for place in lazy:
            place.described = foresee(place.settings)
            self._routed.close(self._closed(place))
        begun = [
            self._openers.submit(self.moves.open, place)
            for place in self.places.values()
            if not place.is_lazy
        ]
        try:
            for one in begun:
                one.result()
        finally:
            for one in begun:
                one.cancel()
        for cascade in self._routed.cascades:
            if trouble := cascade.objection():
                raise ConfigError(trouble)

    def close(self, patience_s: float) -> bool:
        """Free every engine; the batcher must be closed before.

        Returns:
            False if a model is still being opened after that time: nothing can interrupt that.
        """
        self.moves.end()
        for executor in (self._openers, self._mover, self._renewals.executor):
            executor.shutdown(wait=False, cancel_futures=True)
        until = time.monotonic() + patience_s
        freed = [self._freed(place, until) for place in self.places.values()]  # each is tried
        return all(freed)

    def _freed(self, place: Place, until: float) -> bool:
        if not place.moving.acquire(timeout=max(0.0, until - time.monotonic())):
            return False
        try:
            self.moves.free(place)
        finally:
            place.moving.release()
        return True

    # By callers -----------------------------------------------------------------------------

    async def load(self, model: str) -> None:
        self._check_allowed()
        place = self._place(model)
        if self.moves.site is None:
            raise Loading("the server is starting; no model can be loaded yet")
        place.is_wanted = True
        place.forgive()
        while place.is_wanted and self._routed.served(model) is None:
            await _done(self._begin(place))

    async def unload(self, model: str) -> None:
        self._check_allowed()
        place = self._place(model)
        place.is_wanted = False
        self._routed.remove(model)
        await _done(submitted(self._mover, partial(self.moves.close, place)))

    async def renew(self, model: str) -> None:
        """Give an open model a fresh engine; the old one serves until that has taken over.

        Raises:
            UnknownModel: the settings have none of that name.
            Unavailable: it cannot be opened; the old one stays.
        """
        place = self._place(model)
        await _done(self._renewals.renew(place))

    async def reload(self, model: str) -> None:
        """Let the artifact that lies on the disk now take over, if it is another one.

        Raises:
            UnknownModel: the settings have none of that name.
            Unavailable: it cannot be opened; the old one stays.
        """
        place = self._place(model)
        await _done(self._renewals.reload(place))

    def _check_allowed(self) -> None:
        if not self._config.web.repository_control:
            raise Forbidden(
                "callers may not load or unload models here; the setting web.repository_control "
                "would let them"
            )

    def _place(self, model: str) -> Place:
        if model in self.places:
            return self.places[model]
        if model in self.expected:
            raise InvalidRequest(
                f"the model {model!r} is a cascade of others; load or unload its members"
            )
        raise UnknownModel(model, self.expected)

    # On demand ------------------------------------------------------------------------------

    def _closed(self, place: Place) -> Closed:
        return Closed(place.name, place.described, partial(self._wake, place))

    async def _wake(self, place: Place) -> None:
        """Open a model for a request, which waits as long as the settings say.

        Raises:
            Loading: it takes longer.
            Unavailable: it cannot be opened.
        """
        opening = self._begin(place)
        place.n_waiting += 1
        try:
            async with asyncio.timeout(place.settings.wait_s):
                await asyncio.shield(asyncio.wrap_future(opening))
        except TimeoutError as late:
            raise Loading(
                f"the model {place.name!r} is being opened", retry_after_s=place.took_s
            ) from late
        finally:
            place.n_waiting -= 1

    def _begin(self, place: Place) -> Future[None]:
        """Begin to open a model, unless that has begun already.

        Raises:
            Unavailable: it could not be opened a moment ago.
        """
        with self._beginning:
            if place.opening is None or place.opening.done():
                if place.guard.rest_s:
                    raise unavailable(place)
                work = partial(self.moves.try_open, place)
                place.opening = submitted(self._openers, work)
            return place.opening

    def _hung(self, place: Place, lane: str) -> None:
        """Hear that an engine does not come back; on the thread of the batcher's watch."""
        submitted(self._openers, partial(self._recycling.rebuild, place, lane))

    def look(self) -> None:
        """Replace engines that are due, and open again what should be open; returns at once."""
        site = self.moves.site
        if site is None or self.moves.ended.is_set():
            return
        for place in self.places.values():
            if place.is_down and place.is_wanted and not place.guard.rest_s:
                self._begin(place)
        self._renewals.look(site)


async def _done(begun: Future[None]) -> None:
    """Wait for a change to its end; it is made even if the caller leaves."""
    await asyncio.shield(asyncio.wrap_future(begun))
