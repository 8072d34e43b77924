"""Models in a Python program: every task, waited for and awaited, alone and in company."""

from __future__ import annotations

import asyncio
import gc
import inspect
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.checkpoints import change_config

import goldcrest
from goldcrest.app.questions import Questions
from goldcrest.artifact import Artifact
from goldcrest.config import BatchConfig, Config
from goldcrest.errors import (
    CheckpointNotFound,
    InputTooLong,
    InvalidRequest,
    TooManyCharacters,
    UnsupportedTask,
)
from goldcrest.heads.tokens import TokensHead
from goldcrest.model import version
from goldcrest.serving.served import Served
from goldcrest.tasks import Embed, Request, Rerank, Tokens
from goldcrest.testing import random_checkpoint
from goldcrest.values import EncodeOptions

LONG = "the food was good and the staff was very friendly " * 30


@pytest.fixture(scope="module")
def classifier(tiny: Artifact, config: Config) -> Iterator[goldcrest.Model]:
    with goldcrest.load(str(tiny.folder), config, precision="f32") as model:
        yield model


@pytest.fixture(scope="module")
def embedder(tiny_embedder: Artifact, config: Config) -> Iterator[goldcrest.Model]:
    with goldcrest.load(str(tiny_embedder.folder), config, precision="f32") as model:
        yield model


Find = Callable[[str], goldcrest.Model]


@pytest.fixture(scope="module")
def find(tmp_path_factory: pytest.TempPathFactory, config: Config) -> Iterator[Find]:
    """A tiny model of a kind, made and opened once."""
    opened: dict[str, goldcrest.Model] = {}

    def of(kind: str) -> goldcrest.Model:
        if kind not in opened:
            folder = tmp_path_factory.mktemp(kind)
            opened[kind] = goldcrest.load(str(made(folder, kind)), config, precision="f32")
        return opened[kind]

    yield of
    for model in opened.values():
        model.close()


def made(folder: Path, kind: str) -> Path:
    if kind == "entailing":
        random_checkpoint(folder, n_labels=3)
        names = ("contradiction", "neutral", "entailment")
        change_config(folder, id2label={str(index): name for index, name in enumerate(names)})
        return folder
    kinds: dict[str, dict[str, Any]] = {
        "scoring": {"n_labels": 1},
        "tokens": {"task": "tokens", "n_labels": 3},
        "embed": {"family": "bert", "pooling": "mean"},
    }
    return random_checkpoint(folder, **kinds.get(kind, {"task": kind}))


ASKED: dict[str, tuple[str, str, tuple[Any, ...]]] = {
    "classify": ("entailing", "classify", (["a text", LONG],)),
    "zero_shot": ("entailing", "zero_shot", (["a text", "a film"], ["good", "bad"])),
    "rerank": ("scoring", "rerank", ("good food", ["a text", "a film"])),
    "embed": ("embed", "embed", (["a text", "a film"],)),
    "similarity": ("embed", "similarity", ("a text", ["a film", "a day"])),
    "states": ("embed", "states", (["a text", "a film"],)),
    "tokens": ("tokens", "tag", (["a text", LONG],)),
    "span": ("span", "answer", ([("was it good", "it was"), ("who", LONG)],)),
    "fill": ("fill", "fill", (["a [MASK]", LONG + "[MASK]"],)),
}
"""Per task: the kind of model, the method, and what it is given: two items."""


@pytest.mark.parametrize("task", ASKED)
async def test_every_task_gives_the_same_waited_for_and_awaited(find: Find, task: str) -> None:
    kind, method, given = ASKED[task]
    model = find(kind)

    waited = getattr(model, method)(*given)

    awaited = await getattr(model.aio, method)(*given)
    assert 2 == len(waited) == len(awaited)
    assert task in model.tasks
    assert pytest.approx(numbers(waited), abs=1e-5) == numbers(awaited)


def numbers(value: Any) -> list[float]:
    """Every number within an answer."""
    if isinstance(value, float | np.ndarray):
        return [float(number) for number in np.ravel(value)]
    if isinstance(value, goldcrest.Classification):
        return list(value.scores.values())
    if hasattr(value, "score"):
        return [value.score]
    return [number for part in value for number in numbers(part)]


def test_every_question_can_be_awaited() -> None:
    questions = {name for name in vars(Questions) if not name.startswith("_")} - {"predict"}

    assert {method for _, method, _ in ASKED.values()} == questions
    for name in questions:
        assert inspect.iscoroutinefunction(getattr(goldcrest.AsyncModel, name))


@pytest.mark.parametrize("task", sorted(ASKED.keys() - {"similarity"}))
async def test_nothing_in_nothing_out(find: Find, task: str) -> None:
    kind, method, given = ASKED[task]
    model, others = find(kind), list(given)
    others[1 if method == "rerank" else 0] = []

    assert (
        0 == len(getattr(model, method)(*others)) == len(await getattr(model.aio, method)(*others))
    )


def test_help_says_what_comes_back() -> None:
    for model in (goldcrest.Model, goldcrest.AsyncModel):
        assert "list[Classification]" == inspect.signature(model.classify).return_annotation


def test_a_source_alone_has_nothing_to_compare_with(embedder: goldcrest.Model) -> None:
    with pytest.raises(InvalidRequest, match="nothing to compare"):
        embedder.similarity("a text", [])


def test_an_answer_is_the_same_alone_and_in_company(
    classifier: goldcrest.Model, texts: list[str]
) -> None:
    together = classifier.classify(texts)

    for text, found in zip(texts, together, strict=True):
        (alone,) = classifier.classify([text])
        assert list(found.scores.values()) == pytest.approx(list(alone.scores.values()), abs=1e-5)


def test_an_embedding_is_the_same_alone_and_in_company(
    embedder: goldcrest.Model, texts: list[str]
) -> None:
    together = embedder.embed(texts)

    alone = np.concatenate([embedder.embed([text]) for text in texts])
    assert np.allclose(together, alone, atol=1e-5)


async def test_overlapping_calls_are_answered_as_one_by_one(
    classifier: goldcrest.Model, texts: list[str]
) -> None:
    replies = await asyncio.gather(*[classifier.aio.classify([text]) for text in texts])

    for (found,), expected in zip(replies, classifier.classify(texts), strict=True):
        assert expected.label == found.label
        assert expected.score == pytest.approx(found.score, abs=1e-5)


async def test_what_is_awaited_keeps_its_model_open(tiny: Artifact, config: Config) -> None:
    aio = goldcrest.load(str(tiny.folder), config, precision="f32").aio
    gc.collect()

    assert 1 == len(await aio.classify(["a text"]))


# long texts


def test_truncation_is_told(classifier: goldcrest.Model, texts: list[str]) -> None:
    short, long = classifier.classify([texts[3], texts[-1]], max_length=16)

    assert (False, True) == (short.truncated, long.truncated)


def test_truncation_can_be_forbidden(classifier: goldcrest.Model, texts: list[str]) -> None:
    with pytest.raises(InputTooLong, match="limit of 16"):
        classifier.classify([texts[-1]], max_length=16, overflow="reject")


@pytest.mark.parametrize(
    ("kind", "method", "given"),
    [
        ("entailing", "classify", ([LONG],)),
        ("entailing", "zero_shot", ([LONG], ["good", "a very slow service"])),
        ("scoring", "rerank", ("good food", [LONG])),
        ("embed", "embed", ([LONG],)),
    ],
)
def test_windows_lose_nothing_and_are_not_the_answer_of_a_cut_text(
    find: Find, kind: str, method: str, given: tuple[Any, ...]
) -> None:
    ask = getattr(find(kind), method)

    cut, whole = ask(*given, max_length=32), ask(*given, max_length=32, overflow="window")

    assert numbers(cut) != pytest.approx(numbers(whole), abs=1e-4)
    if method in ("classify", "zero_shot"):
        assert (True, False) == (cut[0].truncated, whole[0].truncated)


def test_entities_of_a_long_text_reach_to_its_end(find: Find) -> None:
    (found,) = find("tokens").tag([LONG], ignored=(), max_length=32)

    ends = [one.end for one in found]
    assert (sorted(ends), len(LONG.rstrip())) == (ends, ends[-1])
    assert list(range(1, len(found) + 1)) == [one.index for one in found]


def test_passages_are_found_anywhere_in_a_long_context(find: Find) -> None:
    (found,) = find("span").answer([("good food", LONG)], n_best=50, max_length=32)

    assert all(one.text == LONG[one.start : one.end] for one in found)
    assert sorted(found, key=lambda one: -one.score) == list(found)


def test_a_mask_that_would_be_cut_off_is_refused(find: Find) -> None:
    with pytest.raises(InvalidRequest, match="takes away 1 of its 1 masks"):
        find("fill").fill([LONG + "[MASK]"], overflow="truncate")


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"overflow": "cut"}, InvalidRequest, "overflow is 'cut', but must be one of truncate"),
        ({"scores": "probits"}, InvalidRequest, "scores is 'probits', but must be one of auto"),
        ({"max_length": 2}, InvalidRequest, "must be at least 3"),
        ({"length": 9}, TypeError, "length"),
    ],
)
def test_an_option_that_is_not_one_is_refused(
    classifier: goldcrest.Model, options: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        classifier.classify(["a text"], **options)


def test_an_aggregation_that_is_not_one_is_refused(find: Find) -> None:
    with pytest.raises(InvalidRequest, match="aggregation is 'mean', but must be one of none"):
        find("tokens").tag(["a text"], aggregation="mean")  # type: ignore[arg-type]  # on purpose


# what a model is


def test_a_model_says_what_it_does_not_do(
    classifier: goldcrest.Model, embedder: goldcrest.Model
) -> None:
    with pytest.raises(UnsupportedTask, match="does classify, not embed"):
        classifier.embed(["text"])
    with pytest.raises(UnsupportedTask, match="does embed, similarity, states, not classify"):
        embedder.classify(["text"])


def test_a_whole_reply_says_what_was_run(embedder: goldcrest.Model) -> None:
    reply = embedder.predict(Embed(dimensions=5), ["good food", LONG], max_length=16)

    assert ((2, 5), (4, 16), (1, 1)) == (reply.outputs.shape, reply.n_tokens, reply.n_windows)
    assert 0 == reply.n_dropped[0] < reply.n_dropped[1]


def test_a_checkpoint_is_compiled_once_and_found_again(tmp_path: Path, config: Config) -> None:
    folder = random_checkpoint(tmp_path / "checkpoint")
    steps: list[str] = []

    for _ in range(2):
        with goldcrest.load(str(folder), config, progress=steps.append) as model:
            model.classify(["text"])

    assert 1 == steps.count("building the graph")


def test_an_unknown_name_says_what_is_built_in(config: Config) -> None:
    with pytest.raises(CheckpointNotFound, match="built in"):
        goldcrest.load("./no-such-folder", config)


@pytest.mark.parametrize(
    ("kind", "method", "given", "named"),
    [
        ("entailing", "classify", ("a text",), "texts"),
        ("entailing", "zero_shot", (["a text"], "good"), "labels"),
        ("scoring", "rerank", ("query", "a text"), "texts"),
    ],
)
async def test_one_text_in_place_of_several_is_not_taken_for_its_characters(
    find: Find, kind: str, method: str, given: tuple[Any, ...], named: str
) -> None:
    model = find(kind)

    with pytest.raises(InvalidRequest, match=f"{named} is a single text"):
        getattr(model, method)(*given)
    with pytest.raises(InvalidRequest, match=f"{named} is a single text"):
        await getattr(model.aio, method)(*given)


async def test_a_program_may_ask_for_more_tokens_than_a_caller_of_a_server(
    tiny: Artifact, config: Config
) -> None:
    batch = BatchConfig(max_request_tokens=100)
    config = msgspec.structs.replace(config, batch=batch)

    with goldcrest.load(str(tiny.folder), config, precision="f32") as model:
        assert 3 == len(await model.aio.classify([LONG] * 3, overflow="window"))


async def test_a_long_answer_is_presented_off_the_event_loop(find: Find) -> None:
    tagger, threads = find("tokens")._version, []

    class Watched(TokensHead):
        def present(self, *given: Any) -> Any:
            threads.append(threading.current_thread())
            return TokensHead.present(self, *given)

    head = Watched(tagger.artifact.manifest.labels, tagger.tokenizer)
    served = Served(replace(tagger, heads={"tokens": head}))
    for texts in (["a text"], [LONG] * 30):
        await served(Request(Tokens(), texts, encode=EncodeOptions(overflow="window")))

    here = threading.current_thread()
    assert [True, False] == [thread is here for thread in threads]


async def test_more_masks_than_memory_should_hold_are_refused(
    find: Find, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = find("fill")
    monkeypatch.setattr(version, "LOGITS", 70 * model._version.tokenizer.n_ids)

    with pytest.raises(InvalidRequest, match=r"holds 80 .*MASK.*, more than the limit of 70"):
        await model.aio.fill(["[MASK]" * 40] * 2)


async def test_a_text_that_is_paired_too_often_is_refused_before_it_is_tokenised(
    find: Find,
) -> None:
    reranker = replace(find("scoring")._version, limit_tokens=100)

    with pytest.raises(TooManyCharacters, match=r"7000 characters.*more than the limit of 6400"):
        await Served(reranker)(Request(Rerank(), [("q" * 69, "t")] * 100))
