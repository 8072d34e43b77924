"""The server: models open in one thread while the web application starts in another."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
import time
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from goldcrest.app.catalogue import OpenModels
from goldcrest.app.memory import share_one_arena
from goldcrest.app.rpc import rpc_open
from goldcrest.app.site import Threads, open_site
from goldcrest.app.source import Progress
from goldcrest.config import Config, Loaded
from goldcrest.errors import GoldcrestError
from goldcrest.metrics import Metrics, Readings
from goldcrest.model.opening import Site
from goldcrest.serving.keys import Keys
from goldcrest.serving.observing import Observed
from goldcrest.serving.routing import Routed
from goldcrest.serving.service import Service
from goldcrest.tasks import Predict

_log = logging.getLogger("goldcrest")

_PATIENCE_S = 10.0
"""How long an ending server waits for a model that is being opened."""

_SWITCH_S = 0.0005
"""How long the event loop may keep a slot from taking its next batch: Python's default of 5 ms
would leave an engine idle for a quarter of a grid."""


class House:
    """A server in the making: the models open on a thread of their own.

    Args:
        config: the settings in force.
        progress: told of each step of a compilation.
    """

    def __init__(self, config: Config, progress: Progress) -> None:
        self.threads = Threads()
        self.routed = Routed(tuple(model.name for model in config.models))
        self.metrics = Metrics(version=version("goldcrest"), readings=self._readings())
        self.service: Service | None = None
        self.error: BaseException | None = None
        self.catalogue = OpenModels(config, self.routed, progress)
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
        site.batcher.close()
        if not self.catalogue.close(_PATIENCE_S):
            return False
        site.aside.shutdown()
        return True

    def observed(self, predict: Predict) -> Predict:
        """Record what becomes of every request."""
        return Observed(predict, self.metrics.record, time.perf_counter)

    def _open(self) -> None:
        try:
            self._site = open_site(self._config, self.threads, report=self.metrics.report)
            self.catalogue.open_all(self._site)
            self._site.aside.submit(_name_threads)  # it makes that thread, so that it is named too
        except Exception as error:  # noqa: BLE001  # handed to the main thread, which raises it
            self.error = error

    def _readings(self) -> Readings:
        return Readings(
            waiting_tokens=lambda: self._site.batcher.n_tokens if self._site else 0,
            waiting_jobs=lambda: self._site.batcher.n_jobs if self._site else 0,
            n_in_flight=lambda: self.service.n_in_flight if self.service else 0,
            models=self.routed.models,
        )


def run_server(loaded: Loaded, progress: Progress = lambda _: None) -> int:
    """Serve the models of the settings over HTTP, and gRPC if wished, until a signal.

    Args:
        loaded: the settings in force.
        progress: told of each step of a compilation.

    Returns:
        The exit status.

    Raises:
        GoldcrestError: a model cannot be opened, or the address not be listened on.
    """
    share_one_arena()
    sys.setswitchinterval(_SWITCH_S)
    gc.disable()  # imports make no garbage, and looking for it takes a tenth of their time
    config = loaded.config
    house = House(config, progress)
    import goldcrest.engine.openvino  # noqa: F401  # two threads that import hinder each other

    house.open()
    # Imported while the models open: loading an engine leaves the interpreter free.
    from goldcrest.web.app import create
    from goldcrest.web.server import run, serve

    async def main() -> int:
        house.threads.enrol()
        house.service = Service(house.routed, house.catalogue, house.observed)
        keys = Keys({key.name: key.sha256 for key in config.keys})
        app = create(house.service, config.web, house.metrics, keys, batch=config.batch)
        async with rpc_open(config.rpc, house.service, keys, version=house.metrics.version):
            # What lives now lives until the end: the collector need not look at it again.
            gc.freeze()
            gc.enable()
            return await serve(
                app,
                config.web,
                house.service,
                started=_announce,
                is_over=lambda: house.error is not None,
            )

    status = 1
    try:
        status = run(main())
    except GoldcrestError as error:
        house.error = house.error or error
    if not house.close():
        _log.error("%s", house.error or "ended while a model was being opened")
        os._exit(status)  # the runtime aborts if its threads are alive at a normal exit
    if house.error is not None:
        raise house.error
    return status


def _name_threads() -> None:
    """Give the threads their names in the system's eyes, for ``top -H`` and the benchmark.

    Before Python 3.14 only the interpreter knows them. The main thread keeps its own, which is the
    name of the process. Engines are open by now: their threads take over no name of ours.
    """
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            with suppress(OSError):  # it has ended, or this is no Linux
                Path(f"/proc/self/task/{thread.native_id}/comm").write_text(thread.name[:15])


def _announce(host: str, port: int) -> None:
    _log.info("listening on http://%s:%d (try /docs)", f"[{host}]" if ":" in host else host, port)
