"""Kept answers are the answers: every task of every readout, with and without the cache."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from goldcrest.app.answers import around, open_answers
from goldcrest.app.site import Threads, open_model, open_site
from goldcrest.artifact import Artifact
from goldcrest.config import CacheConfig, Config, ModelConfig
from goldcrest.serving.cache import Answers
from goldcrest.serving.routing import Routed
from goldcrest.tasks import (
    Classify,
    Embed,
    Entity,
    Fill,
    Filling,
    Passage,
    Reply,
    Request,
    Rerank,
    Similarity,
    Span,
    States,
    Task,
    Tokens,
    ZeroShot,
)
from goldcrest.values import AS_IT_COMES, EncodeOptions, Item, Urgency

pytestmark = pytest.mark.integration
LONG = "the food was good and the service was very slow and rude at night " * 5
WINDOWS = EncodeOptions(max_length=32, overflow="window")
PAIRS = (("is the food good", LONG), ("is it slow", "the service was slow"))
TEXTS = ("the film is very good", LONG, "", "a rude place", "the film is very good")
MASKED = ("the film is very [MASK]", "a [MASK] place and a [MASK] night")

ASKED: list[tuple[str, Task[Any], tuple[Item, ...], EncodeOptions]] = [
    ("classifier", Classify(), TEXTS, AS_IT_COMES),
    ("classifier", Classify(), TEXTS, WINDOWS),
    ("classifier", Classify(scores="none"), ((5, 6, 7), (7, 6, 5)), AS_IT_COMES),
    ("reranker", Rerank(), PAIRS, AS_IT_COMES),
    ("reranker", Rerank(), PAIRS, WINDOWS),
    ("entailer", ZeroShot(labels=("good", "slow", "good")), TEXTS, AS_IT_COMES),
    ("embedder", Embed(), TEXTS, AS_IT_COMES),
    ("embedder", Embed(dimensions=8, numbers="binary"), TEXTS, WINDOWS),
    ("embedder", Similarity(), TEXTS, AS_IT_COMES),
    ("embedder", States(), TEXTS, AS_IT_COMES),
    ("embedder", States(), TEXTS, WINDOWS),
    ("tagger", Tokens(), TEXTS, AS_IT_COMES),
    ("tagger", Tokens(aggregation="max", ignored=()), TEXTS, WINDOWS),
    ("reader", Span(n_best=3, allow_none=True), PAIRS, AS_IT_COMES),
    ("reader", Span(), PAIRS, WINDOWS),
    ("filler", Fill(top_k=3), MASKED, AS_IT_COMES),
    ("filler", Fill(targets=("good", "bad")), MASKED, AS_IT_COMES),
]


@pytest.fixture(scope="module")
def house(
    every: Mapping[str, Artifact], config: Config
) -> Iterator[tuple[Routed, Routed, Answers]]:
    """All models with a cache and without one."""
    models = tuple(
        ModelConfig(source=str(artifact.folder), name=name, precision="f32")
        for name, artifact in every.items()
    )
    cache = CacheConfig(folder=config.cache.folder)
    config = msgspec.structs.replace(config, models=models, cache=cache)
    site = open_site(config, Threads())
    answers = open_answers(config)
    bare = Routed(tuple(every))
    cached = Routed(tuple(every), around(answers, config))
    versions = [open_model(model, config, site, lambda _: None) for model in models]
    for version in versions:
        bare.add(version)
        cached.add(version)
    yield bare, cached, answers
    site.batcher.close()
    for version in versions:
        version.close()
    site.aside.shutdown()


def plain(reply: Reply[Any]) -> Any:
    """What a reply says, as lists."""
    return [
        _plain(getattr(reply, name)) for name in ("outputs", "n_tokens", "n_dropped", "n_windows")
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Entity | Passage | Filling):
        return [getattr(value, name) for name in value.__slots__]
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def is_close(one: Any, other: Any) -> bool:
    """Whether two replies say the same, but for the rounding of another grid."""
    if isinstance(one, list):
        return len(one) == len(other) and all(map(is_close, one, other))
    if isinstance(one, float):
        return bool(one == pytest.approx(other, rel=1e-4, abs=1e-5))
    return bool(one == other)


def n_of(answers: Answers, outcome: str) -> float:
    return sum(
        value
        for name, labels, value in answers.samples()
        if name == "cache_lookups" and labels[-1] == outcome
    )


@pytest.mark.parametrize(
    ("model", "task", "items", "encode"), ASKED, ids=lambda value: str(value)[:40]
)
async def test_a_kept_answer_is_the_one_that_was_given(house, model, task, items, encode):
    bare, cached, answers = house
    request: Request[Any] = Request(task, items, model, encode)
    fresh = plain(await bare(request))
    first = plain(await cached(request))
    n_hits, n_misses = n_of(answers, "hit"), n_of(answers, "miss")
    second = plain(await cached(request))

    assert first == second
    assert is_close(fresh, second)
    assert n_misses == n_of(answers, "miss")
    assert n_hits < n_of(answers, "hit")


async def test_who_wants_it_anew_gets_the_same(house):
    bare, cached, _ = house
    request: Request[Any] = Request(Classify(), TEXTS, "classifier")
    anew = replace(request, urgency=Urgency(is_kept_fine=False))

    assert is_close(plain(await bare(request)), plain(await cached(anew)))


def test_a_model_whose_answers_are_not_to_be_kept_stays_bare(house, config):
    bare, _, answers = house
    version = bare.served("classifier").version
    model = ModelConfig(source="s", name="classifier", cache=False)

    off = around(answers, msgspec.structs.replace(config, models=(model,)))
    assert version.infer == off(version)


def test_without_room_nothing_is_kept(house, config):
    bare, _, answers = house
    version = bare.served("classifier").version
    cache = CacheConfig(folder=config.cache.folder, answers_mib=0)

    off = around(answers, msgspec.structs.replace(config, cache=cache))
    assert version.infer == off(version)
