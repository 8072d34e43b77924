"""Fresh engines: built and warmed beside the old one, which serves until they take over."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from goldcrest.app.budget import Headroom
from goldcrest.app.memory import mib
from goldcrest.app.moves import Moves, retire
from goldcrest.app.place import Place
from goldcrest.app.site import wishes_of
from goldcrest.artifact import Artifact
from goldcrest.batching.lane import Lane
from goldcrest.config import Config
from goldcrest.errors import GoldcrestError, Unavailable
from goldcrest.model.opening import prepare_version
from goldcrest.model.version import Version
from goldcrest.serving.routing import Routed

_log = logging.getLogger("goldcrest")

_REST = 4.0
"""How long building and warming rest after each step, for each second that it took.

A thread of low priority would not do instead: it is put aside while it holds what all threads wait
for, the interpreter's lock or the allocator's. On one core that cost others up to 300 ms.
"""

_LONGEST_REST_S = 2.0
"""A fresh engine may be waited for, as when the old one hangs."""

_LITTLE_S = 0.02
"""What the kernels of a shape may take that are left to the requests that need them."""
_SURE = 6
"""Runs in a row that take no more than that before it is believed of all the others."""

_MOST_HANGS = 3
_APART_S = 600.0
"""Hangs that are further apart have nothing to do with each other."""


class Recycling:
    """Replaces the engines of models; each call belongs on a thread that may wait.

    Args:
        config: the settings in force.
        moves: opens and closes.
        routed: is told who takes over.
        headroom: what the process may still take.
        clock: seconds; only differences matter.
    """

    def __init__(
        self,
        config: Config,
        moves: Moves,
        routed: Routed,
        headroom: Headroom,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config, self._moves, self._routed = config, moves, routed
        self._headroom, self._clock = headroom, clock

    def renew(self, place: Place, artifact: Artifact | None = None) -> None:
        """Build a fresh version beside the one that serves, warm it, and let it take over.

        Where memory is so short that no work is taken, and there is no room beside the old one, it
        goes first: nobody is worse off, and what it had grown by is free again.

        Args:
            place: the model; one that is not open is left alone.
            artifact: what is opened; None means what is open.

        Raises:
            Unavailable: it cannot be opened; the old version stays.
        """
        with place.moving:
            old = place.version
            if old is None or not place.is_wanted:
                return
            begun = self._clock()
            if self._must_go_first(place, old):
                self._take_down(place)
                retire(old)
            try:
                fresh = self._fresh(place, old, artifact or old.artifact)
            except (GoldcrestError, OSError) as error:
                self._moves.broken(place, error)
                raise Unavailable(
                    f"{place.name} stays as it was, for a fresh one cannot be opened: {error}"
                ) from error
            if self._is_too_late(place):
                fresh.close()
                return
            left = place.version
            self._moves.serve(place, fresh, "replaced")
        _log.info("%s has a fresh engine after %.1f s", place.name, self._clock() - begun)
        if left is not None:
            retire(left)

    def _take_down(self, place: Place) -> None:
        self._routed.rest(place.name, place.took_s)
        place.version, place.is_down = None, True

    def _is_too_late(self, place: Place) -> bool:
        return not place.is_wanted or self._moves.ended.is_set()

    def _must_go_first(self, place: Place, old: Version) -> bool:
        left, needed = self._headroom.room(), old.footprint.n_bytes
        if needed > left and not self._headroom.is_refusing():
            raise Unavailable(
                f"{place.name} gets no fresh engine: it would take about {mib(needed)} beside the "
                f"old one, and the process may grow by {mib(max(0.0, left))}"
            )
        return needed > left

    def _fresh(self, place: Place, old: Version, artifact: Artifact) -> Version:
        like = old if artifact.digest == old.artifact.digest else None
        fresh = prepare_version(
            place.name,
            artifact,
            wishes_of(place.settings, self._config),
            self._moves.site_for(place),
            like=like,
            rest=self._rest_after,
        )
        try:
            if like is not None and like.arithmetic == fresh.arithmetic:
                succeed(fresh.lane, like.lane, rest=self._moves.ended.wait)
            else:
                rehearse(fresh.lane, rest=self._moves.ended.wait)
        except BaseException:
            fresh.close()
            raise
        return fresh

    def _rest_after(self, worked_s: float) -> None:
        self._moves.ended.wait(_rest_s(worked_s))

    def reload(self, place: Place) -> None:
        """Let what lies on the disk now take over, if it is another artifact.

        Raises:
            Unavailable: it cannot be opened; the old version stays.
        """
        try:
            artifact = self._moves.artifact_for(place)
        except GoldcrestError as error:
            self._moves.broken(place, error)
            raise Unavailable(f"{place.name} stays as it was: {error}") from error
        old = place.version
        if old is not None and artifact.digest != old.artifact.digest:
            self.renew(place, artifact)

    def rebuild(self, place: Place, lane: str) -> None:
        """Give up a version whose engine hangs, and open another in its place.

        Raises:
            Unavailable: that failed.
        """
        with place.moving:
            hung = place.version
            if hung is None or hung.lane.name != lane:
                return
            self._take_down(place)
            self._count_hang(place)
            threading.Thread(target=hung.close, name="abandon", daemon=True).start()
        self._moves.try_open(place)

    def _count_hang(self, place: Place) -> None:
        now = self._clock()
        place.n_hangs = place.n_hangs + 1 if now - place.hung_at < _APART_S else 1
        place.hung_at = now
        self._moves.changed(place, "broken")
        _log.error("%s: the engine hangs and is replaced", place.name)


def hangs_again_and_again(place: Place, now: float) -> bool:
    """Whether fresh engines do not help: the process itself should be replaced."""
    return place.n_hangs >= _MOST_HANGS and now - place.hung_at < _APART_S


def rehearse(
    lane: Lane,
    *,
    rest: Callable[[float], bool],
    clock: Callable[[], float] = time.perf_counter,
) -> None:
    """Warm the whole ladder of a lane that nobody uses yet, as somebody who is in no hurry.

    Args:
        lane: to be warmed.
        rest: waits for so many seconds, or says that there is no need to go on.
        clock: seconds; only differences matter.
    """
    while not lane.is_warm:
        if rest(_rest_s(_warm_next(lane, clock))):
            return


def succeed(
    lane: Lane,
    old: Lane,
    *,
    rest: Callable[[float], bool],
    clock: Callable[[], float] = time.perf_counter,
) -> None:
    """Warm what is dear to warm of a lane that nobody uses yet, and let it inherit the rest.

    Whole grids that run for nothing take more from those who are served than kernels that are
    compiled when they are needed. So once these turn out to take little, they are left for then.

    Args:
        lane: to be warmed.
        old: a lane of the same graph that it replaces; what is cold there may stay cold here.
        rest: waits for so many seconds, or says that there is no need to go on.
        clock: seconds; only differences matter.
    """
    n_cheap = 0
    while n_cheap < _SURE and _lags(lane, old):
        known_s = lane.next_cold_s * old.correction
        took_s = _warm_next(lane, clock)
        n_cheap = n_cheap + 1 if took_s < known_s + _LITTLE_S else 0
        if rest(_rest_s(took_s)):
            return
    if not old.is_abandoned:
        lane.inherit(old)


def _warm_next(lane: Lane, clock: Callable[[], float]) -> float:
    """Warm a shape, or make a beginning with it; returns the seconds that it took."""
    begun = clock()
    lane.warm_next(clock)
    return clock() - begun


def _rest_s(worked_s: float) -> float:
    """How long to rest after so many seconds of work."""
    return min(_REST * worked_s, _LONGEST_REST_S)


def _lags(lane: Lane, old: Lane) -> bool:
    return not old.is_abandoned and any(lane.is_cold(shape) for shape in old.shapes.warm.copy())
