"""The server: models open in one thread while the web application starts in another."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing, suppress
from importlib.metadata import version
from pathlib import Path

from goldcrest.app.answers import around, open_answers, samples
from goldcrest.app.bond import Alone, Bond
from goldcrest.app.budget import Headroom
from goldcrest.app.catalogue import OpenModels
from goldcrest.app.keeping import Keeper, Reliefs, limit_of
from goldcrest.app.memory import share_one_arena
from goldcrest.app.rpc import rpc_open
from goldcrest.app.site import Threads, open_site
from goldcrest.app.source import Progress
from goldcrest.app.upkeep import Upkeep
from goldcrest.batching.batcher import Batcher
from goldcrest.config import Config, Loaded
from goldcrest.config.cascades import names_of
from goldcrest.errors import GoldcrestError
from goldcrest.metrics import Metrics, Readings
from goldcrest.model.site import Site
from goldcrest.prompt import run_promptly
from goldcrest.records import Explanation, Sample
from goldcrest.serving.keys import Keys
from goldcrest.serving.observing import Observed
from goldcrest.serving.routing import Routed
from goldcrest.serving.service import Service
from goldcrest.tasks import Predict

_log = logging.getLogger("goldcrest")

_PATIENCE_S = 10.0
"""How long an ending server waits for a model that is being opened."""

_GRACE_S = 1.0
"""How long answers over gRPC may take to be written once nothing is left to work on."""

_SWITCH_S = 0.0001
"""How long one thread may keep the interpreter from another, as the event loop from a slot, or it from
the loop: Python's default of 5 ms would leave an engine idle for a quarter of a grid."""

_GARBAGE = (20_000, 20, 20)
"""When the collector looks for garbage. It holds everybody up for milliseconds to look at all that was
made since it last did: in an overload that is a thousand requests in flight, of some 40 objects each, and
none of them garbage. Nearly all that requests and connections leave behind is freed without it."""


class House:
    """A server in the making: the models open on a thread of their own.

    Args:
        config: the settings in force.
        progress: told of each step of a compilation.
        opened: when the server was started, in seconds since 1970; None: now.
    """

    def __init__(self, config: Config, progress: Progress, *, opened: int | None = None) -> None:
        self.threads = Threads()
        self.answers = open_answers(config)
        self.routed = Routed(names_of(config), around(self.answers, config))
        for cascade in config.cascades:
            self.routed.join(cascade, time.perf_counter)
        self.metrics = Metrics(
            version=version("goldcrest"), readings=self._readings(), opened=opened
        )
        self.service: Service | None = None
        self.error: BaseException | None = None
        self.keeper = Keeper(limit_of(config), self._reliefs())
        self.catalogue = OpenModels(
            config,
            self.routed,
            progress,
            headroom=Headroom(
                room=lambda: self.keeper.room,
                is_refusing=lambda: self.keeper.is_refusing,
                passing=lambda: self.answers.n_bytes,
            ),
        )
        self._upkeep = Upkeep((self.keeper.look, self.catalogue.look), enrol=self.threads.enrol)
        self._config = config
        self._site: Site | None = None
        self._opener = threading.Thread(target=self._open, name="open", daemon=True)

    def open(self) -> None:
        """Begin to open the models; ``error`` is set if one cannot be."""
        self._opener.start()

    def close(self) -> bool:
        """Stop the slots, keep what was measured, free the engines.

        Returns:
            False if a model is still being opened, which nothing can interrupt.
        """
        self._opener.join(_PATIENCE_S)
        if self._opener.is_alive():
            return False
        return self._site is None or self._close(self._site)

    def _close(self, site: Site) -> bool:
        self._upkeep.stop()
        site.batcher.close()
        if not self.catalogue.close(_PATIENCE_S):
            return False
        site.aside.shutdown()
        return True

    @property
    def is_ready(self) -> bool:
        """Whether new requests should be sent here."""
        return self.service is not None and self.service.is_ready

    @property
    def is_alive(self) -> bool:
        """Whether the engines still do their work, or there are none yet."""
        return self._site is None or (self._site.batcher.is_alive and self.catalogue.is_alive)

    def explain(self) -> Explanation | None:
        """Why the batcher does what it does; None while there is none."""
        return self._site.batcher.explain() if self._site else None

    def observed(self, predict: Predict) -> Predict:
        """Record what becomes of every request."""
        return Observed(predict, self.metrics.record, time.perf_counter)

    def _open(self) -> None:
        try:
            self._site = open_site(self._config, self.threads, report=self.metrics.report)
            self._upkeep.start()
            self.catalogue.open_all(self._site)
            self._site.aside.submit(_name_threads)  # it makes that thread, so that it is named too
        except Exception as error:  # noqa: BLE001  # handed to the main thread, which raises it
            self.error = error

    def _reliefs(self) -> Reliefs:
        def batcher(act: Callable[[Batcher], None]) -> Callable[[], None]:
            return lambda: act(self._site.batcher) if self._site else None

        return Reliefs(
            shrink_cache=self.answers.shrink,
            shrink_grids=batcher(Batcher.shrink),
            restore_grids=batcher(Batcher.restore),
            close_idle=lambda: self.catalogue.moves.close_idle(),  # noqa: PLW0108  # made later
        )

    def _readings(self) -> Readings:
        return Readings(
            waiting_jobs=lambda: self._site.batcher.n_jobs if self._site else 0,
            n_in_flight=lambda: self.service.n_in_flight if self.service else 0,
            models=self.routed.models,
            samples=self._samples,
        )

    def _samples(self) -> Iterator[Sample]:
        """What the parts count themselves."""
        yield from samples(self.answers)
        yield from self.keeper.samples()
        yield from self.catalogue.samples()
        yield from self.routed.samples()
        yield "loop_cpu_seconds", (), self.threads.cpu_s()
        if self._site is not None:
            yield from self._site.batcher.samples()
            yield "memory_bytes", ("queue",), self._site.batcher.n_bytes


def run_server(loaded: Loaded, progress: Progress = lambda _: None) -> int:
    """Serve the models of the settings over HTTP, and gRPC if wished, until a signal; alone.

    Args:
        loaded: the settings in force.
        progress: told of each step of a compilation.

    Returns:
        The exit status.

    Raises:
        GoldcrestError: a model cannot be opened, or the address not be listened on.
    """
    return run_house(loaded.config, progress, Alone())


def run_house(config: Config, progress: Progress, bond: Bond) -> int:
    """Serve in this process.

    Args:
        config: the settings in force.
        progress: told of each step of a compilation.
        bond: to the processes beside it.

    Returns:
        The exit status.

    Raises:
        GoldcrestError: a model cannot be opened, or the address not be listened on.
    """
    share_one_arena()
    sys.setswitchinterval(_SWITCH_S)
    gc.disable()  # imports make no garbage, and looking for it takes a tenth of their time
    house = House(config, progress, opened=bond.opened)
    import goldcrest.engine.openvino  # noqa: F401  # two threads that import hinder each other

    house.open()
    # Imported while the models open: loading an engine leaves the interpreter free.
    from goldcrest.web.server import run

    status = 1
    try:
        status = run(_serve(house, config, bond))
    except GoldcrestError as error:
        house.error = house.error or error
    if not house.close():
        _log.error("%s", house.error or "ended while a model was being opened")
        os._exit(status)  # the runtime aborts if its threads are alive at a normal exit
    if house.error is not None:
        raise house.error
    return status


async def _serve(house: House, config: Config, bond: Bond) -> int:
    from goldcrest.web.app import create
    from goldcrest.web.server import serve

    house.threads.enrol()
    run_promptly()  # health and refusals wait for no grid
    service = house.service = Service(
        house.routed,
        house.catalogue,
        house.observed,
        check=house.keeper.check,
        is_alive=lambda: house.is_alive,
    )
    keys = Keys.of(config.keys)
    app = create(
        service, config.web, house.metrics, keys, batch=config.batch, explain=house.explain
    )
    async with bond.attached(house), aclosing(house.answers):
        if not await bond.may_listen():
            return 0
        async with rpc_open(
            config.rpc,
            service,
            keys,
            version=house.metrics.version,
            count=house.metrics.called,
            is_logged=config.web.access_log,
            shares_port=bond.shares_port,
            grace_s=lambda: config.web.drain_s if bond.is_succeeded else _GRACE_S,
        ):
            # What lives now lives until the end: the collector need not look at it again.
            gc.freeze()
            gc.set_threshold(*_GARBAGE)
            gc.enable()
            return await serve(
                app,
                config.web,
                service,
                started=bond.listening,
                is_over=lambda: house.error is not None,
                told=bond.told(),
                shares_port=bond.shares_port,
            )


def _name_threads() -> None:
    """Give the threads their names in the system's eyes, for ``top -H`` and the benchmark.

    Before Python 3.14 only the interpreter knows them. The main thread keeps its own, which is the
    name of the process. Engines are open by now: their threads take over no name of ours.
    """
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            with suppress(OSError):  # it has ended, or this is no Linux
                Path(f"/proc/self/task/{thread.native_id}/comm").write_text(thread.name[:15])
