"""Models that are opened on demand: by the first request, within a budget, and closed when idle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np
import pytest

from goldcrest.app.budget import Headroom
from goldcrest.app.catalogue import OpenModels
from goldcrest.app.memory import MIB
from goldcrest.app.site import Threads, open_site
from goldcrest.artifact import Artifact
from goldcrest.config import CacheConfig, Config, EngineConfig, MemoryConfig, ModelConfig, WebConfig
from goldcrest.engine import Engine
from goldcrest.errors import Loading, Unavailable, UnsupportedTask
from goldcrest.model.footprint import judged_bytes
from goldcrest.serving.routing import Routed
from goldcrest.tasks import Classify, Embed, Reply, Request
from goldcrest.testing import ManualClock, random_checkpoint
from goldcrest.values import Floats


class House:
    """A catalogue of some models, open to requests."""

    def __init__(
        self,
        folder: Path,
        models: Sequence[ModelConfig],
        *,
        models_mib: int = 0,
        room: float = inf,
    ) -> None:
        config = Config(
            cache=CacheConfig(folder=str(folder / "cache")),
            engine=EngineConfig(threads=1, precision="f32"),
            memory=MemoryConfig(models_mib=models_mib),
            models=tuple(models),
            web=WebConfig(repository_control=True),
        )
        self.routed = Routed(tuple(model.name for model in models))
        self.clock = ManualClock()
        self.catalogue = OpenModels(
            config,
            self.routed,
            lambda _: None,
            headroom=Headroom(room=lambda: room),
            clock=self.clock,
        )
        self.n_opened = 0
        site = open_site(config, Threads())
        self.site = replace(site, open_engine=self._counted(site.open_engine))
        self.catalogue.open_all(self.site)

    def _counted(self, open_engine: Callable[..., Engine]) -> Callable[..., Engine]:
        def counted(*args):
            self.n_opened += 1
            return open_engine(*args)

        return counted

    async def ask(self, model: str | None = None, text: str = "a text") -> Reply[Floats]:
        return await self.routed(Request(Classify(), [text], model=model))

    @property
    def open_now(self) -> list[str]:
        return [model.name for model in self.catalogue.models() if model.is_open]

    def changes(self) -> dict[tuple[str, ...], float]:
        return {labels: n for key, labels, n in self.catalogue.samples() if key == "model_changes"}

    def close(self) -> None:
        self.site.batcher.close()
        assert self.catalogue.close(30)
        self.site.aside.shutdown()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Callable[..., House]]:
    built: list[House] = []

    def build(*models: ModelConfig, **more: int) -> House:
        built.append(House(tmp_path, models, **more))
        return built[-1]

    yield build
    for one in built:
        one.close()


def lazy(artifact: Artifact, name: str, **more) -> ModelConfig:
    return ModelConfig(source=str(artifact.folder), name=name, load="lazy", **more)


def fixed(artifact: Artifact, name: str) -> ModelConfig:
    return ModelConfig(source=str(artifact.folder), name=name)


def mib_of(artifact: Artifact) -> int:
    """What a tiny model is judged to take: the least budget that holds one of them."""
    manifest = artifact.manifest
    weights, tokenizer = manifest.variants["f32"].n_bytes, manifest.tokenizer.n_bytes
    return judged_bytes(weights=weights, tokenizer=tokenizer) // MIB + 1


def test_a_lazy_model_is_listed_and_closed(house, tiny: Artifact) -> None:
    found = house(lazy(tiny, "a")).catalogue.models()

    assert [("a", ("classify",), False, False)] == [
        (model.name, model.defaults, model.is_open, model.is_ready) for model in found
    ]


def test_a_lazy_checkpoint_is_known_before_it_is_compiled(house, tmp_path: Path) -> None:
    checkpoint = random_checkpoint(tmp_path / "checkpoint", n_labels=3)
    found = house(ModelConfig(source=str(checkpoint), name="a", load="lazy")).catalogue.models()

    assert [("classify", 3)] == [(model.task, len(model.labels)) for model in found]


async def test_a_model_that_nothing_is_known_of_is_not_listed_until_it_was_open(
    house, tiny: Artifact
) -> None:
    built = house(ModelConfig(source="nobody/nothing", name="a", load="lazy"))
    before = built.catalogue.models()

    built.catalogue.places["a"].settings = lazy(tiny, "a")
    await built.ask("a")

    assert () == before
    assert ["a"] == built.open_now


def test_a_lazy_model_keeps_nobody_from_being_ready(house, tiny: Artifact) -> None:
    built = house(lazy(tiny, "a"))

    assert built.catalogue.is_ready


async def test_the_first_request_opens_a_lazy_model(house, tiny: Artifact) -> None:
    built = house(lazy(tiny, "a"))

    reply = await built.ask()

    assert ("a", ["a"]) == (reply.model, built.open_now)


async def test_requests_that_come_at_once_open_it_once(house, tiny: Artifact) -> None:
    built = house(lazy(tiny, "a"))

    await asyncio.gather(*(built.ask("a") for _ in range(8)))

    assert 1 == built.n_opened


async def test_a_lazy_model_is_the_default_of_what_it_does_alone(
    house, tiny: Artifact, tiny_embedder: Artifact
) -> None:
    built = house(lazy(tiny, "a"), lazy(tiny_embedder, "b"))

    reply = await built.routed(Request(Embed(), ["a text"]))

    assert ("b", ["b"]) == (reply.model, built.open_now)


async def test_what_no_model_does_opens_none(house, tiny: Artifact) -> None:
    built = house(lazy(tiny, "a"))

    with pytest.raises(UnsupportedTask):
        await built.routed(Request(Embed(), ["a text"]))

    assert [] == built.open_now


async def test_a_request_that_must_not_wait_is_told_when_to_come_back(
    house, tiny: Artifact
) -> None:
    built = house(lazy(tiny, "a", wait_s=0))

    with pytest.raises(Loading) as refused:
        await built.ask("a")
    await built.catalogue.load("a")

    assert refused.value.retry_after_s > 0
    assert "a" == (await built.ask("a")).model


async def test_a_lazy_model_that_cannot_be_opened_says_why_and_hurts_no_other(
    house, tiny: Artifact, tmp_path: Path
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{}")
    bad = ModelConfig(source=str(tmp_path / "broken"), name="bad", load="lazy")
    built = house(fixed(tiny, "good"), bad)

    with pytest.raises(Unavailable, match="bad cannot be opened"):
        await built.ask("bad")

    assert "good" == (await built.ask()).model


async def test_what_cannot_be_opened_is_not_tried_by_every_request(
    house, tiny: Artifact, tmp_path: Path
) -> None:
    built = house(lazy(tiny, "a"))
    tiny_file = built.catalogue.places["a"]
    missing = ModelConfig(source=str(tmp_path / "missing" / "model"), name="a", load="lazy")
    tiny_file.settings, kept = missing, tiny_file.settings

    for _ in range(3):
        with pytest.raises(Unavailable):
            await built.ask("a")
    with pytest.raises(Unavailable, match="tried again in"):
        await built.ask("a")
    assert {("a", "broken"): 1} == built.changes()

    tiny_file.settings = kept
    built.clock.advance(10)
    assert "a" == (await built.ask("a")).model


async def test_the_model_that_was_used_least_recently_makes_room(house, tiny: Artifact) -> None:
    built = house(*(lazy(tiny, name) for name in "abc"), models_mib=2 * mib_of(tiny))

    for name in ("a", "b", "a", "c"):
        await built.ask(name)

    assert ["a", "c"] == built.open_now
    assert 1 == built.changes()["b", "closed"]


async def test_a_model_of_the_start_makes_no_room(house, tiny: Artifact) -> None:
    built = house(fixed(tiny, "a"), lazy(tiny, "b"), models_mib=mib_of(tiny))

    with pytest.raises(Unavailable, match=r"takes about 1\d MiB, and 1\d MiB of the 1\d MiB"):
        await built.ask("b")

    assert ["a"] == built.open_now


async def test_what_the_process_may_not_hold_is_not_opened(house, tiny: Artifact) -> None:
    built = house(fixed(tiny, "a"), lazy(tiny, "b"), room=1e6)

    with pytest.raises(Unavailable, match=r"1\d MiB of the 1\d MiB that models may take"):
        await built.ask("b")


async def test_models_that_close_and_open_all_the_time_answer_every_request(
    house, tiny: Artifact
) -> None:
    built = house(*(lazy(tiny, name) for name in "abc"), models_mib=mib_of(tiny))
    alone = {name: (await built.ask(name, f"text of {name}")).outputs for name in "abc"}
    names = [*"abcabcbcacba"]

    replies = await asyncio.gather(*(built.ask(name, f"text of {name}") for name in names))

    for name, reply in zip(names, replies, strict=True):
        np.testing.assert_allclose(reply.outputs, alone[name], rtol=1e-4)


async def test_a_lazy_model_is_unloaded_and_loaded_like_any_other(house, tiny: Artifact) -> None:
    built = house(lazy(tiny, "a"))
    await built.ask("a")

    await built.catalogue.unload("a")
    assert [] == [model.name for model in built.catalogue.models()]
    await built.catalogue.load("a")

    assert ["a"] == built.open_now


async def test_idle_models_close_when_memory_is_short(house, tiny: Artifact) -> None:
    built = house(fixed(tiny, "a"), lazy(tiny, "b"))
    await built.ask("b")

    n_closed = built.catalogue.moves.close_idle()

    assert (1, ["a"]) == (n_closed, built.open_now)
    assert "b" == (await built.ask("b")).model
