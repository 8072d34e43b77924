"""What is done to the models of a server, on threads that may wait: opened, closed, replaced."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from math import inf

from goldcrest.app.budget import Headroom, Tenant, to_close
from goldcrest.app.memory import MIB, mib
from goldcrest.app.place import Place
from goldcrest.app.site import artifact_of, wishes_of
from goldcrest.app.source import Progress
from goldcrest.artifact import Artifact
from goldcrest.config import Config
from goldcrest.errors import Draining, GoldcrestError, Loading, Unavailable
from goldcrest.model.opening import needed_bytes, prepare_version
from goldcrest.model.site import Site
from goldcrest.model.version import Version
from goldcrest.records import Sample
from goldcrest.serving.routing import Closed, Routed, describe

_log = logging.getLogger("goldcrest")

_LOOK_S = 0.02
"""How often an opening looks whether others are idle now and may be closed."""


class Moves:
    """Opens, closes and replaces models; each is moved by one thread at a time.

    Args:
        config: the settings in force.
        places: the models, by name.
        routed: is told what opens and what closes.
        headroom: what the process may still take.
        progress: told of each step of a compilation.
        clock: seconds; only differences matter.
    """

    def __init__(
        self,
        config: Config,
        places: Sequence[Place],
        routed: Routed,
        headroom: Headroom,
        *,
        progress: Progress,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config, self._places, self._routed = config, places, routed
        self._headroom, self._progress, self._clock = headroom, progress, clock
        self._limit = config.memory.models_mib * MIB or inf
        self._changes: Counter[tuple[str, str]] = Counter()
        self._making_room = threading.Lock()
        self.ended = threading.Event()
        self.site: Site | None = None
        self.closed_as: Callable[[Place], Closed] | None = None
        self.hung: Callable[[Place, str], None] = lambda _place, _lane: None

    def samples(self) -> Iterator[Sample]:
        """What is told to the metrics, read at the moment of asking."""
        for labels, n in self._changes.copy().items():
            yield "model_changes", labels, n

    def end(self) -> None:
        """Begin nothing more."""
        self.ended.set()

    # Open and close -------------------------------------------------------------------------

    def open(self, place: Place) -> None:
        """Open a model, if it is wanted and is not open.

        Raises:
            GoldcrestError: it cannot be opened.
        """
        with place.moving:
            if not place.is_wanted:
                return
            if place.version is None:
                self._open(place)
            elif self._routed.served(place.name) is None:  # it was on its way out
                self._routed.add(place.version)

    def try_open(self, place: Place) -> None:
        """Do the same for requests that wait, unless that failed a moment ago.

        Raises:
            Unavailable: it cannot be opened, or there is no room for it at present.
        """
        permit = place.guard.admit()
        if permit is None:
            raise unavailable(place)
        try:
            self.open(place)
        except Unavailable:  # it may be well: there is no room, or the server ends
            place.guard.settle(permit, failed=None)
            raise
        except Exception as error:
            place.guard.settle(permit, failed=True, error=error)
            self.broken(place, error)
            raise unavailable(place) from error
        place.guard.settle(permit, failed=False)

    def broken(self, place: Place, error: Exception) -> None:
        """Note that a model could not be opened."""
        place.trouble = str(error) or type(error).__name__
        unexpected = None if isinstance(error, GoldcrestError | OSError) else error
        _log.error("%s cannot be opened: %s", place.name, place.trouble, exc_info=unexpected)
        self.changed(place, "broken")

    def changed(self, place: Place, change: str) -> None:
        """Count what became of a model."""
        self._changes[place.name, change] += 1

    def _open(self, place: Place) -> None:
        site = self.site_for(place)
        begun = self._clock()
        artifact = self.artifact_for(place)
        wishes = wishes_of(place.settings, self._config)
        self._make_room(place, needed_bytes(artifact, wishes, site))
        try:
            version = prepare_version(place.name, artifact, wishes, site)
        finally:
            place.reserved_bytes = 0
        place.took_s = self._clock() - begun
        self.serve(place, version, "opened")
        _log.info("%s is open as %s after %.2f s", place.name, version.precision, place.took_s)

    def artifact_for(self, place: Place) -> Artifact:
        """What lies there to be opened now.

        Raises:
            GoldcrestError: nothing that can be.
        """
        return artifact_of(place.settings, self.site_for(place), self._progress)

    def site_for(self, place: Place) -> Site:
        """What versions share, for one more of them.

        Raises:
            Draining: nothing is opened any more.
        """
        if self.ended.is_set() or self.site is None:
            raise Draining(f"the server is shutting down; {place.name} is not opened")
        return self.site

    def serve(self, place: Place, version: Version, change: str) -> None:
        """Let requests come to a version from now on."""
        hung = partial(self.hung, place, version.lane.name)
        version.batcher.open(version.lane, on_hang=hung)
        place.version, place.is_down = version, False
        place.opened_at = place.tried_at = self._clock()
        described = describe(version)
        place.described = replace(described, is_ready=False, is_open=False)
        self.changed(place, change)
        self._routed.add(version)

    def close(self, place: Place) -> None:
        """Close a model that was taken out of service, when what it has is answered."""
        with place.moving:
            if not place.is_wanted:  # somebody may want it again meanwhile
                self._close(place, for_good=True)

    def _close(self, place: Place, *, for_good: bool) -> None:
        if for_good:
            self._routed.remove(place.name)  # once more: it may have been opening meanwhile
        elif self.closed_as is not None:
            self._routed.close(self.closed_as(place))
        version, place.version = place.version, None
        if version is not None:
            retire(version)
            self.changed(place, "closed")
            _log.info("%s was %s", place.name, "taken out of service" if for_good else "closed")

    def free(self, place: Place) -> None:
        """Free a model's engine at the end of the server."""
        version, place.version = place.version, None
        if version is not None:
            version.close()

    # Room -----------------------------------------------------------------------------------

    def _make_room(self, place: Place, n_bytes: int) -> None:
        """Close models that are idle until this one fits, and set that memory aside for it.

        Raises:
            Loading: those that could close are busy, for as long as a request would wait.
            Unavailable: it will never fit.
        """
        until = self._clock() + place.settings.wait_s
        while not self._has_room(place, n_bytes):
            if self._clock() >= until or self.ended.wait(_LOOK_S):
                raise Loading(
                    f"{place.name} takes about {mib(n_bytes)}, and the models that are open leave "
                    f"no room for it within {mib(self._allowed())}; they are busy",
                    retry_after_s=place.took_s,
                )

    def _has_room(self, place: Place, n_bytes: int) -> bool:
        with self._making_room:
            if place.is_lazy:  # the others are opened whatever they take
                limit = self._allowed()
                others = [self._tenant(one) for one in self._places if one is not place]
                lazy = {one.name for one in self._places if one.is_lazy}
                fixed = sum(one.n_bytes for one in others if one.name not in lazy)
                if fixed + n_bytes > limit:
                    raise Unavailable(
                        f"{place.name} takes about {mib(n_bytes)}, and {mib(fixed)} of the "
                        f"{mib(limit)} that models may take are taken for good"
                    )
                names = to_close(n_bytes, others, limit)
                if names is None or not all(self._gone(name) for name in names):
                    return False
            place.reserved_bytes = n_bytes
            return True

    def _allowed(self) -> float:
        """Bytes that all models may take: by the settings, and by what the process may grow."""
        open_now = [one.version for one in self._places]
        taken = sum(one.footprint.n_bytes for one in open_now if one is not None)
        return min(self._limit, taken + self._headroom.room())

    def _tenant(self, place: Place) -> Tenant:
        served = self._routed.served(place.name)
        is_idle = served is not None and not served.n_in_flight and not place.n_waiting
        turn = 0 if served is None else served.last_turn
        return Tenant(place.name, place.n_bytes, turn, place.is_lazy and is_idle)

    def _gone(self, name: str) -> bool:
        """Close an idle model, unless somebody moves it at this moment."""
        place = next(one for one in self._places if one.name == name)
        if not place.moving.acquire(blocking=False):
            return False
        try:
            self._close(place, for_good=False)
        finally:
            place.moving.release()
        return True

    def close_idle(self) -> int:
        """Close every model that is idle and opened on demand; returns how many."""
        with self._making_room:
            idle = [one for place in self._places if (one := self._tenant(place)).may_go]
            return sum([self._gone(tenant.name) for tenant in idle])


def unavailable(place: Place) -> Unavailable:
    """Say that a model could not be opened, and when that will be tried again."""
    rest_s = place.guard.rest_s
    return Unavailable(
        f"{place.name} cannot be opened: {place.trouble}; that is tried again in {rest_s:.0f} s",
        retry_after_s=rest_s,
    )


def retire(version: Version) -> None:
    """Close a version to which no request comes any more, when it has answered those it has."""
    version.batcher.finish(version.lane.name)
    version.close()
