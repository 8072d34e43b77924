"""Models taken out and put back: whatever overlaps, the last wish holds and nothing leaks."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from goldcrest.app.catalogue import OpenModels
from goldcrest.app.site import Threads, open_site
from goldcrest.config import (
    CacheConfig,
    Config,
    EngineConfig,
    MemoryConfig,
    ModelConfig,
    WebConfig,
)
from goldcrest.errors import Draining
from goldcrest.serving.routing import Routed
from goldcrest.testing import random_checkpoint


class House:
    """Two models whose compilation waits until it may go on."""

    def __init__(self, folder: Path) -> None:
        self.may_compile, self.compiles = threading.Event(), threading.Event()
        self.may_compile.set()
        self.n_compiled = 0
        models = tuple(
            ModelConfig(source=str(random_checkpoint(folder / name, seed=seed)), name=name)
            for seed, name in enumerate("ab")
        )
        self._cache = folder / "cache"
        config = Config(
            cache=CacheConfig(folder=str(self._cache)),
            engine=EngineConfig(threads=1, precision="f32"),
            memory=MemoryConfig(loads=1),
            models=models,
            web=WebConfig(repository_control=True),
        )
        self.routed = Routed(("a", "b"))
        self.site = open_site(config, Threads())
        self.catalogue = OpenModels(config, self.routed, self._progress)

    def _progress(self, step: str) -> None:
        if step == "building the graph":
            self.n_compiled += 1
            self.compiles.set()
            self.may_compile.wait()

    @property
    def names(self) -> list[str]:
        return [model.name for model in self.catalogue.models()]

    def open(self) -> None:
        self.catalogue.open_all(self.site)

    async def loading(self, name: str) -> asyncio.Task[None]:
        """A load of a model that must be compiled anew, and waits there."""
        shutil.rmtree(self._cache / "artifacts")
        self.may_compile.clear()
        self.compiles.clear()
        task = asyncio.create_task(self.catalogue.load(name))
        await asyncio.to_thread(self.compiles.wait)
        return task

    async def starting(self) -> asyncio.Task[None]:
        """The start of a server, which waits in the compilation of its first model."""
        self.may_compile.clear()
        task = asyncio.create_task(asyncio.to_thread(self.open))
        await asyncio.to_thread(self.compiles.wait)
        return task


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.may_compile.set()
    house.site.batcher.close()
    assert house.catalogue.close(30)
    house.site.aside.shutdown()


async def begun(*tasks: asyncio.Task[None]) -> None:
    """Let tasks run as far as they can."""
    for _ in tasks:
        await asyncio.sleep(0)


async def test_a_model_that_is_unloaded_while_it_loads_is_not_served(house: House) -> None:
    house.open()
    await house.catalogue.unload("a")
    load = await house.loading("a")
    unload = asyncio.create_task(house.catalogue.unload("a"))
    await begun(unload)

    house.may_compile.set()
    await asyncio.gather(load, unload)

    assert ["b"] == house.names


async def test_a_model_that_is_unloaded_at_the_start_is_not_served(house: House) -> None:
    start = await house.starting()
    unloads = [asyncio.create_task(house.catalogue.unload(name)) for name in "ab"]
    await begun(*unloads)

    house.may_compile.set()
    await asyncio.gather(start, *unloads)

    assert [] == house.names
    assert house.n_compiled == 1


async def test_a_model_that_is_loaded_at_the_start_is_opened_once(house: House) -> None:
    start = await house.starting()
    load = asyncio.create_task(house.catalogue.load("a"))
    await begun(load)

    house.may_compile.set()
    await asyncio.gather(start, load)

    assert ["a", "b"] == house.names
    assert house.n_compiled == 2


async def test_an_unload_is_done_even_if_its_caller_leaves(house: House) -> None:
    house.open()
    await house.catalogue.unload("a")
    load = await house.loading("a")
    unload = asyncio.create_task(house.catalogue.unload("b"))
    await begun(unload)

    unload.cancel()
    with suppress(asyncio.CancelledError):
        await unload
    house.may_compile.set()
    await load
    assert ["a"] == house.names
    await house.catalogue.load("b")

    assert ["a", "b"] == house.names


async def test_a_server_that_ends_does_not_wait_for_a_model_for_ever(house: House) -> None:
    house.open()
    await house.catalogue.unload("a")
    load = await house.loading("a")

    is_closed = house.catalogue.close(0.01)

    assert not is_closed
    house.may_compile.set()
    await load
    with pytest.raises(Draining, match="stay as they are"):
        await house.catalogue.unload("b")
