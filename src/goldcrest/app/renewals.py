"""When engines are replaced: on request, at their age, or when the process has grown."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from goldcrest.app.aging import Growth, due
from goldcrest.app.budget import Headroom
from goldcrest.app.memory import MIB
from goldcrest.app.place import Place
from goldcrest.app.recycling import Recycling
from goldcrest.config import Config
from goldcrest.errors import Draining
from goldcrest.model.site import Site
from goldcrest.prompt import give_way

_log = logging.getLogger("goldcrest")

_SETTLED_S = 600.0
"""How long after its opening a model counts as warm, if not all of its ladder ever is."""


class Renewals:
    """Has engines replaced, one after the other, on a thread of their own.

    Args:
        config: the settings in force.
        places: the models.
        recycling: replaces.
        headroom: what comes and goes is no growth.
        clock: seconds; only differences matter.
    """

    def __init__(
        self,
        config: Config,
        places: Sequence[Place],
        recycling: Recycling,
        headroom: Headroom,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config, self._places, self._recycling = config, places, recycling
        self._headroom, self._clock = headroom, clock
        self._growth = Growth()
        self._begun: list[Future[None]] = []
        self.executor = ThreadPoolExecutor(1, "renew", initializer=give_way)

    def renew(self, place: Place) -> Future[None]:
        """Begin to give a model a fresh engine."""
        return submitted(self.executor, partial(self._recycling.renew, place))

    def reload(self, place: Place) -> Future[None]:
        """Begin to open what lies on the disk now, if it is another artifact."""
        return submitted(self.executor, partial(self._recycling.reload, place))

    def look(self, site: Site) -> None:
        """Begin to replace what is due, once what was due before is done."""
        self._begun = [one for one in self._begun if not one.done()]
        if not self._begun:
            names = self._due(site)
            self._begun = [self._renewed(one) for one in self._places if one.name in names]

    def _due(self, site: Site) -> tuple[str, ...]:
        engine, now = self._config.engine, self._clock()
        open_now = [place for place in self._places if place.version is not None]
        growth = self._growth.observe(
            site.resident() - self._headroom.passing(),
            event=site.stir.n_events,
            is_settled=all(_is_settled(place, now) for place in open_now),
        )
        ages = {place.name: now - place.tried_at for place in open_now}
        return due(ages, growth, limit_s=engine.recycle_s, limit_bytes=engine.recycle_mib * MIB)

    def _renewed(self, place: Place) -> Future[None]:
        """Begin to give a model a fresh engine; if that fails, it is tried at the same age again."""
        place.tried_at = self._clock()
        begun = self.renew(place)
        begun.add_done_callback(_say_why)
        return begun


def submitted(executor: ThreadPoolExecutor, work: Callable[[], None]) -> Future[None]:
    """Have work done by an executor.

    Raises:
        Draining: it was shut down, and the server with it.
    """
    try:
        return executor.submit(work)
    except RuntimeError as error:  # the executor's word for having been shut down
        raise Draining("the server is shutting down; its models stay as they are") from error


def _is_settled(place: Place, now: float) -> bool:
    """Whether an open model has all the memory that it will need, as far as can be told."""
    version = place.version
    return version is None or version.footprint.is_warm or now - place.opened_at > _SETTLED_S


def _say_why(begun: Future[None]) -> None:
    if not begun.cancelled() and (error := begun.exception()) is not None:
        _log.warning("%s", error)
