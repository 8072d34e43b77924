"""A version: long requests are tokenised piece by piece, and every claim is released."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

import goldcrest
from goldcrest.artifact import Artifact
from goldcrest.config import Config
from goldcrest.errors import InputTooLong, TooManyTokens
from goldcrest.model.version import Version
from goldcrest.values import EncodeOptions, Urgency

LONG = "the food was good and the staff was very friendly " * 10
NOW = Urgency()
AS_IT_IS = EncodeOptions()


@pytest.fixture(scope="module")
def version(tiny: Artifact, config: Config) -> Iterator[Version]:
    with goldcrest.load(str(tiny.folder), config) as model:
        yield model._version


def waiting_bytes(version: Version) -> float:
    return sum(n for key, _, n in version.batcher.samples() if key == "waiting_bytes")


async def test_a_request_of_several_pieces_is_answered_as_its_items_alone(version: Version) -> None:
    items = [f"{LONG} {'good ' * n}" for n in range(90)]

    together = await version.infer(items, AS_IT_IS, NOW)

    alone = [(await version.infer([item], AS_IT_IS, NOW))[0] for item in items[::15]]
    for one, other in zip(together[::15], alone, strict=True):
        assert one.n_tokens == other.n_tokens
        assert np.allclose(one.windows[0], other.windows[0], atol=1e-4)


async def test_a_short_text_comes_between_the_pieces_of_a_long_request(version: Version) -> None:
    done: list[str] = []

    async def ask(name: str, n_items: int) -> None:
        aside = version._encode_aside
        sizes = [len(LONG)] * n_items
        with version.batcher.claim(version.lane.name, sum(sizes), NOW) as claim:
            await aside([LONG] * n_items, sizes, AS_IT_IS, claim)
        done.append(name)

    await asyncio.gather(ask("long", 1500), ask("short", 9))

    assert ["short", "long"] == done


async def test_an_error_in_a_later_piece_names_the_place_in_the_request(version: Version) -> None:
    items = [*["short"] * 1000, LONG * 20]

    with pytest.raises(InputTooLong, match="item 1000 has"):
        await version.infer(items, EncodeOptions(overflow="reject"), NOW)
    assert 0 == waiting_bytes(version)


async def test_tokens_of_all_pieces_are_counted_together(version: Version) -> None:
    strict = replace(version, limit_tokens=3000)

    with pytest.raises(TooManyTokens, match="limit of 3000"):
        await strict.infer([LONG] * 90, EncodeOptions(overflow="window"), NOW)
    assert 0 == waiting_bytes(version)


async def test_bytes_wait_until_the_answer_is_there(version: Version) -> None:
    asked = asyncio.create_task(version.infer(["good food"], AS_IT_IS, NOW))
    await asyncio.sleep(0)
    during = waiting_bytes(version)

    await asked

    assert (9, 0) == (during, waiting_bytes(version))
