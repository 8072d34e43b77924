"""A model that is tried out: opened as a program opens it, and swapped as a server swaps it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from goldcrest.app.library import patient
from goldcrest.app.model import Model
from goldcrest.app.moves import retire
from goldcrest.app.recycling import rehearse
from goldcrest.app.site import Threads, open_model, open_site, wishes_of
from goldcrest.compare.probe import Order
from goldcrest.compare.texts import TASKS, Text
from goldcrest.config import ModelConfig
from goldcrest.model.opening import prepare_version

_LOOK_S = 0.02


class Tried:
    """A `Subject` of a probe.

    Args:
        order: says which model, and under which settings.

    Raises:
        ArtifactError: it is not whole, or cannot run here.
    """

    def __init__(self, order: Order) -> None:
        self._config = patient(order.config)
        self._settings = ModelConfig(source=order.source, name="tried")
        self._site = open_site(self._config, Threads())
        self._n_swaps = 0
        try:
            self._version = open_model(self._settings, self._config, self._site, lambda _: None)
        except BaseException:
            self._site.batcher.close()
            raise
        self._task = TASKS[self._version.artifact.manifest.task]
        self._model = Model(self._version, lambda: None)

    @property
    def precision(self) -> str:
        return self._version.precision

    @property
    def arithmetic(self) -> str:
        return self._version.arithmetic

    def ask(self, items: Sequence[Text]) -> None:
        self._model.predict(self._task, items)

    def settle(self, patience_s: float) -> None:
        """Wait for the shapes that grids will take; larger ones would last longer than they may."""
        lane, objective_s = self._version.lane, self._config.batch.objective_ms / 1e3
        until = time.monotonic() + patience_s
        while not lane.is_warm and lane.next_cold_s <= objective_s and time.monotonic() < until:
            time.sleep(_LOOK_S)

    def swap(self) -> float:
        """Open another version beside this one, warm it, and let it take over.

        It is the same artifact under another digest, so that nothing is known of it, as of a new
        one. A server warms it with pauses, in which the old version answers; these are counted but
        not waited for.
        """
        begun, rests = time.perf_counter(), _Rests()
        self._n_swaps += 1
        old = self._version
        fresh = prepare_version(
            old.name,
            replace(old.artifact, digest=f"{old.artifact.digest} {self._n_swaps}"),
            wishes_of(self._settings, self._config),
            self._site,
        )
        rehearse(fresh.lane, rest=rests)
        self._site.batcher.open(fresh.lane)
        took_s = time.perf_counter() - begun
        self._version, self._model = fresh, Model(fresh, lambda: None)
        retire(old)
        return took_s + rests.seconds

    def close(self) -> None:
        try:
            self._site.batcher.close()
            self._version.close()
        finally:
            self._site.aside.shutdown(wait=False)


class _Rests:
    """Adds pauses up in place of waiting for them."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, seconds: float) -> bool:
        self.seconds += seconds
        return False
