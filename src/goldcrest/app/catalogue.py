"""The models of a server: opened one after the other, taken out and put back while it runs."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor

from goldcrest.app.site import open_model
from goldcrest.app.source import Progress
from goldcrest.config import Config, ModelConfig
from goldcrest.errors import Loading, UnknownModel
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
        self._mover = ThreadPoolExecutor(1, "models")  # one change at a time

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
            self._open(model, site)

    async def load(self, model: str) -> None:
        settings = self._settings(model)
        if self._site is None:
            raise Loading("the server is starting; no model can be loaded yet")
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._mover, self._reopen, settings, self._site)

    async def unload(self, model: str) -> None:
        version = self._routed.remove(model)
        if version is not None:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._mover, self._shut, version)

    def close(self) -> None:
        """Free every engine; the batcher must be closed before."""
        self._mover.shutdown()
        while self._versions:
            self._versions.popitem()[1].close()

    def _settings(self, model: str) -> ModelConfig:
        for settings in self._config.models:
            if settings.name == model:
                return settings
        raise UnknownModel(model, self.expected)

    def _reopen(self, model: ModelConfig, site: Site) -> None:
        if model.name not in self._versions:
            self._open(model, site)

    def _open(self, model: ModelConfig, site: Site) -> None:
        begun = time.perf_counter()
        opened = open_model(model, self._config, site, self._progress)
        self._versions[model.name] = opened
        self._routed.add(opened)
        seconds = time.perf_counter() - begun
        _log.info("%s is open as %s after %.2f s", model.name, opened.precision, seconds)

    def _shut(self, version: Version) -> None:
        version.batcher.finish(version.name)
        del self._versions[version.name]
        version.close()
        _log.info("%s was taken out of service", version.name)
