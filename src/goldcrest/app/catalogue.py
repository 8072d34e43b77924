"""The models of a server: opened one after the other, taken out and put back while it runs."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from goldcrest.app.site import open_model
from goldcrest.app.source import Progress
from goldcrest.config import Config, ModelConfig
from goldcrest.errors import (
    ArtifactError,
    CheckpointError,
    Draining,
    Forbidden,
    Loading,
    Unavailable,
    UnknownModel,
)
from goldcrest.model.opening import Site
from goldcrest.model.version import Version
from goldcrest.serving.routing import Routed
from goldcrest.text.tokenizer import Tokenizer
from goldcrest.values import ServedModel

_log = logging.getLogger("goldcrest")


class OpenModels:
    """A `Catalogue` of the models in the settings.

    Args:
        config: the settings in force.
        routed: is told what opens and what closes.
        progress: told of each step of a compilation.
    """

    def __init__(self, config: Config, routed: Routed, progress: Progress) -> None:
        self._config, self._routed, self._progress = config, routed, progress
        self._site: Site | None = None
        self._versions: dict[str, Version] = {}
        self._mover = ThreadPoolExecutor(1, "models")
        self._moving = threading.Lock()  # one change at a time, those of the start included
        self._is_closed = False

    @property
    def is_ready(self) -> bool:
        return self._routed.is_ready

    @property
    def expected(self) -> tuple[str, ...]:
        return self._routed.expected

    def models(self) -> tuple[ServedModel, ...]:
        return self._routed.models()

    def tokenizer(self, model: str | None) -> Tokenizer:
        return self._routed.find(model, None).tokenizer

    def open_all(self, site: Site) -> None:
        """Open every model of the settings, in order.

        Raises:
            GoldcrestError: one cannot be opened.
        """
        self._site = site
        for model in self._config.models:
            with self._moving:
                if not self._routed.is_unloaded(model.name):  # meanwhile, by a caller
                    self._open(model, site)

    async def load(self, model: str) -> None:
        self._check_allowed()
        settings = self._settings(model)
        if self._site is None:
            raise Loading("the server is starting; no model can be loaded yet")
        await self._move(self._reopen, settings, self._site)

    async def unload(self, model: str) -> None:
        self._check_allowed()
        self._routed.remove(model)
        await self._move(self._shut, model)

    def close(self, patience_s: float) -> bool:
        """Free every engine; the batcher must be closed before.

        Returns:
            False if a model is still being opened after that time: nothing can interrupt that.
        """
        self._mover.shutdown(wait=False, cancel_futures=True)
        if not self._moving.acquire(timeout=patience_s):
            return False
        try:
            self._is_closed = True
            while self._versions:
                self._versions.popitem()[1].close()
        finally:
            self._moving.release()
        return True

    async def _move(self, change: Callable[..., None], *what: object) -> None:
        """Make a change on the thread for that, to its end even if the caller leaves."""
        try:
            begun = self._mover.submit(change, *what)
        except RuntimeError as error:  # the executor's word for having been shut down
            raise Draining("the server is shutting down; its models stay as they are") from error
        await asyncio.shield(asyncio.wrap_future(begun))

    def _check_allowed(self) -> None:
        if not self._config.web.repository_control:
            raise Forbidden(
                "callers may not load or unload models here; the setting web.repository_control "
                "would let them"
            )

    def _settings(self, model: str) -> ModelConfig:
        for settings in self._config.models:
            if settings.name == model:
                return settings
        raise UnknownModel(model, self.expected)

    def _reopen(self, model: ModelConfig, site: Site) -> None:
        with self._moving:
            try:
                self._open(model, site)
            except (ArtifactError, CheckpointError) as error:
                raise Unavailable(f"{model.name} cannot be opened: {error}") from error

    def _open(self, model: ModelConfig, site: Site) -> None:
        if self._is_closed:
            raise Draining(f"the server is shutting down; {model.name} is not opened")
        if model.name in self._versions:
            return
        begun = time.perf_counter()
        opened = open_model(model, self._config, site, self._progress)
        self._versions[model.name] = opened
        self._routed.add(opened)
        seconds = time.perf_counter() - begun
        _log.info("%s is open as %s after %.2f s", model.name, opened.precision, seconds)

    def _shut(self, model: str) -> None:
        with self._moving:
            self._routed.remove(model)  # once more: it may have been opening when it was unloaded
            version = self._versions.pop(model, None)
            if version is not None:
                version.batcher.finish(model)
                version.close()
                _log.info("%s was taken out of service", model)
