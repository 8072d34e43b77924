"""The tasks that Hugging Face's clients know, and how each is answered."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import msgspec

from goldcrest.errors import InvalidRequest
from goldcrest.names import Readable, TaskName
from goldcrest.serving.apart import OBJECT, apart
from goldcrest.tasks import Classify, O, Reply, Rerank, Similarity, Task
from goldcrest.values import EncodeOptions, Item, ServedModel
from goldcrest.web.endpoint import Call
from goldcrest.web.hf import words
from goldcrest.web.hf.lengths import encoding, encoding_of_context, encoding_of_tokens
from goldcrest.web.hf.parts import NOTHING, entity_row, falling, filling_row, passage_row, scored
from goldcrest.web.inputs import texts_or_ids
from goldcrest.web.response import Response
from goldcrest.web.rows import text_of, written
from goldcrest.web.shortened import shortened

I = TypeVar("I")  # noqa: E741  # inputs
P = TypeVar("P")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked(Generic[I, P]):
    """One request, understood.

    Attributes:
        model: the name that was given; None: whichever does the task.
        served: the model that will answer, where it is known.
    """

    call: Call[Any]
    inputs: I
    parameters: P
    model: str | None
    served: ServedModel | None

    async def predict(
        self, task: Task[O], items: Sequence[Item], encode: EncodeOptions
    ) -> Reply[O]:
        name = self.served.name if self.served else self.model
        return await self.call.predict(task, items, model=name, encode=encode)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A task.

    Attributes:
        name: Hugging Face's.
        task: ours.
        inputs: the type of what it takes.
        parameters: the type of its options.
        readable: the models that do this before all else, if there are such.
    """

    name: str
    task: TaskName
    inputs: Any
    parameters: type[msgspec.Struct]
    answer: Callable[[Asked[Any, Any]], Coroutine[Any, Any, Response]]
    readable: Readable | None = None


async def classify(asked: Asked[words.Classifiable, words.ClassifyParameters]) -> Response:
    """A list per text, whether one came or several: labels by falling score."""
    given, parameters = asked.inputs, asked.parameters
    items = [_classifiable(one) for one in (given if isinstance(given, list) else [given])]
    reply = await asked.predict(Classify(parameters.scores), items, encoding(parameters))
    return await _sent(
        lambda: [scored(reply.labels, row)[: parameters.top_k] for row in reply.outputs],
        reply,
        size=reply.outputs.size * OBJECT,
    )


async def tag(asked: Asked[words.Texts, words.TokensParameters]) -> Response:
    """The entities of each text."""
    parameters = asked.parameters
    items, encode = _texts(asked.inputs), encoding_of_tokens(parameters)
    reply = await asked.predict(parameters.task, items, encode)

    def told() -> Any:
        found = [[entity_row(entity) for entity in entities] for entities in reply.outputs]
        return _as_given(asked.inputs, found)

    return await _sent(told, reply, size=sum(map(len, reply.outputs)) * OBJECT)


async def answer(asked: Asked[words.Questions, words.SpanParameters]) -> Response:
    """The best passage of each context, or a list of the best if more than one is wanted."""
    parameters, given = asked.parameters, asked.inputs
    _refuse_unsupported(parameters)
    questions = given if isinstance(given, list) else [given]
    items = [(one.question, one.context) for one in questions]
    limit = asked.served.max_length if asked.served else None
    reply = await asked.predict(parameters.task, items, encoding_of_context(parameters, limit))

    def told() -> Any:
        found = [[passage_row(passage) for passage in passages] for passages in reply.outputs]
        best = [(each or [NOTHING])[0] for each in found] if parameters.top_k == 1 else found
        return _as_given(given, best)

    return await _sent(told, reply, size=sum(map(len, reply.outputs)) * OBJECT)


async def fill(asked: Asked[words.Texts, words.FillParameters]) -> Response:
    """The best tokens for the mask of each text; a list for each mask if there are several."""
    parameters = asked.parameters
    reply = await asked.predict(parameters.task, _texts(asked.inputs), encoding(parameters))

    def told() -> Any:
        found = [[[filling_row(one) for one in mask] for mask in masks] for masks in reply.outputs]
        single = [masks[0] if len(masks) == 1 else masks for masks in found]
        return _as_given(asked.inputs, single)

    n_fillings = sum(len(mask) for masks in reply.outputs for mask in masks)
    return await _sent(told, reply, size=n_fillings * OBJECT)


async def embed(asked: Asked[words.TextsOrIds, words.EmbedParameters]) -> Response:
    """A vector for each text, in a list even if there is one."""
    parameters = asked.parameters
    if parameters.encoding_format != "float":
        raise InvalidRequest("encoding_format 'base64' is for /v1/embeddings; here it is 'float'")
    items = texts_or_ids(asked.inputs)
    reply = await asked.predict(parameters.task, items, encoding(parameters))
    content = await apart(partial(text_of, reply.outputs), size=reply.outputs.size)
    return Response(content, headers=shortened(reply))


async def compare(asked: Asked[words.Comparison, words.SimilarityParameters]) -> Response:
    """The cosine of the source with each sentence."""
    parameters, given = asked.parameters, asked.inputs
    task = Similarity(parameters.prompt_name)
    items = [given.source_sentence, *given.sentences]
    reply = await asked.predict(task, items, encoding(parameters))
    return Response(text_of(reply.outputs), headers=shortened(reply))


async def choose(asked: Asked[words.Texts, words.ZeroShotParameters]) -> Response:
    """The candidate labels of each text by falling score."""
    parameters = asked.parameters
    reply = await asked.predict(parameters.task, _texts(asked.inputs), encoding(parameters))

    def told() -> Any:
        return _as_given(asked.inputs, [scored(parameters.labels, row) for row in reply.outputs])

    return await _sent(told, reply, size=reply.outputs.size * OBJECT)


async def rank(asked: Asked[words.Ranking, words.RankParameters]) -> Response:
    """The places of the texts by falling score, as Text Embeddings Inference tells them."""
    parameters, given = asked.parameters, asked.inputs
    items = [(given.query, text) for text in given.texts]
    reply = await asked.predict(Rerank(raw=parameters.raw_scores), items, encoding(parameters))

    def told() -> Any:
        order = falling(reply.outputs)
        found = [{"index": index, "score": reply.outputs[index]} for index in order]
        if parameters.return_text:
            found = [{**one, "text": given.texts[one["index"]]} for one in found]
        return found

    return await _sent(told, reply, size=reply.outputs.size * OBJECT)


async def _sent(told: Callable[[], Any], reply: Reply[Any], *, size: int) -> Response:
    """Make the body and write it, off the event loop if it is much."""
    content = await apart(lambda: bytes(written(told())), size=size)
    return Response(content, headers=shortened(reply))


def _texts(inputs: words.Texts) -> list[Item]:
    return [inputs] if isinstance(inputs, str) else list(inputs)


def _as_given(inputs: Any, found: list[Any]) -> Any:
    """A list for a list; the only answer for a single input."""
    return found if isinstance(inputs, list) else found[0]


def _classifiable(given: str | words.TextPair | list[str]) -> Item:
    if isinstance(given, str):
        return given
    if isinstance(given, words.TextPair):
        return given.text if given.text_pair is None else (given.text, given.text_pair)
    return (given[0], given[1]) if len(given) == 2 else given[0]


def _refuse_unsupported(parameters: words.SpanParameters) -> None:
    if parameters.max_question_len is not None:
        raise InvalidRequest("max_question_len is not supported; questions are never cut")
    if parameters.align_to_words is False:
        raise InvalidRequest("align_to_words false is not supported; answers are whole words")


PIPELINES = (
    Pipeline(
        name="text-classification",
        task="classify",
        inputs=words.Classifiable,
        parameters=words.ClassifyParameters,
        answer=classify,
        readable="classify",
    ),
    Pipeline(
        name="feature-extraction",
        task="embed",
        inputs=words.TextsOrIds,
        parameters=words.EmbedParameters,
        answer=embed,
        readable="embed",
    ),
    Pipeline(
        name="token-classification",
        task="tokens",
        inputs=words.Texts,
        parameters=words.TokensParameters,
        answer=tag,
        readable="tokens",
    ),
    Pipeline(
        name="question-answering",
        task="span",
        inputs=words.Questions,
        parameters=words.SpanParameters,
        answer=answer,
        readable="span",
    ),
    Pipeline(
        name="fill-mask",
        task="fill",
        inputs=words.Texts,
        parameters=words.FillParameters,
        answer=fill,
        readable="fill",
    ),
    Pipeline(
        name="zero-shot-classification",
        task="zero_shot",
        inputs=words.Texts,
        parameters=words.ZeroShotParameters,
        answer=choose,
    ),
    Pipeline(
        name="sentence-similarity",
        task="similarity",
        inputs=words.Comparison,
        parameters=words.SimilarityParameters,
        answer=compare,
    ),
    Pipeline(
        name="text-ranking",
        task="rerank",
        inputs=words.Ranking,
        parameters=words.RankParameters,
        answer=rank,
    ),
)
