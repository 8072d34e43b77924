"""How a request finds its version, while versions come and go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from goldcrest.app.site import Threads, open_site, wishes_of
from goldcrest.artifact import Artifact
from goldcrest.config import Config, ModelConfig
from goldcrest.errors import Loading, Unloaded
from goldcrest.model.opening import open_version
from goldcrest.model.version import Version
from goldcrest.serving.routing import Closed, Routed
from goldcrest.tasks import Classify, Request
from goldcrest.values import Floats, Infer


class Stage:
    """Opens versions of one artifact, under any name."""

    def __init__(self, artifact: Artifact, config: Config) -> None:
        self._artifact, self._config = artifact, config
        self.site = open_site(config, Threads())
        self._opened: list[Version] = []

    def version(self, name: str) -> Version:
        model = ModelConfig(source=str(self._artifact.folder), name=name, precision="f32")
        wishes = wishes_of(model, self._config)
        self._opened.append(open_version(name, self._artifact, wishes, self.site))
        return self._opened[-1]

    def close(self) -> None:
        self.site.batcher.close()
        for version in self._opened:
            version.close()
        self.site.aside.shutdown()


@pytest.fixture
def stage(tiny: Artifact, config: Config) -> Iterator[Stage]:
    built = Stage(tiny, config)
    yield built
    built.close()


def question(model: str | None = None) -> Request[Floats]:
    return Request(Classify(), ["a text"], model=model)


async def never() -> None:
    raise AssertionError("nobody asked for it")


async def test_a_request_whose_version_closes_before_it_took_it_goes_to_the_next(
    stage: Stage,
) -> None:
    old, fresh = stage.version("a"), stage.version("a")

    def around(version: Version) -> Infer:
        async def overtaken(items, options, urgency):
            if version is old:
                routed.add(fresh)
                old.close()
            return await version.infer(items, options, urgency)

        return overtaken

    routed = Routed(("a",), around)
    routed.add(old)

    assert "a" == (await routed(question())).model


async def test_a_model_that_is_unloaded_is_not_looked_for_again(stage: Stage) -> None:
    version, routed = stage.version("a"), Routed(("a",))
    routed.add(version)
    version.close()

    with pytest.raises(Unloaded):
        await routed(question())


async def test_while_an_engine_is_replaced_its_model_alone_asks_for_patience(stage: Stage) -> None:
    routed = Routed(("a", "b"))
    routed.add(stage.version("a"))
    routed.add(stage.version("b"))

    routed.rest("a", retry_after_s=7)

    with pytest.raises(Loading, match="replaced by a fresh one") as told:
        await routed(question("a"))
    assert 7 == told.value.retry_after_s
    assert "b" == (await routed(question("b"))).model


async def test_the_engine_that_comes_back_is_served(stage: Stage) -> None:
    routed = Routed(("a",))
    routed.rest("a", retry_after_s=7)

    routed.add(stage.version("a"))

    assert "a" == (await routed(question())).model


def test_the_only_model_that_rests_makes_a_server_unready() -> None:
    routed = Routed(("a",))
    routed.rest("a", retry_after_s=7)

    assert not routed.is_ready


def test_a_closed_model_makes_no_server_unready() -> None:
    routed = Routed(("a",))
    routed.close(Closed("a", None, never))

    assert routed.is_ready


def test_a_model_that_loads_makes_a_server_unready() -> None:
    routed = Routed(("a", "b"))
    routed.close(Closed("a", None, never))

    assert not routed.is_ready


async def test_a_default_that_still_loads_is_not_stood_in_for(stage: Stage) -> None:
    routed = Routed(("a", "b"))
    routed.add(stage.version("b"))

    with pytest.raises(Loading):
        await routed(question())
