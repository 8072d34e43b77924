"""What TEI predicts: vectors, labels, ranks, cosines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import msgspec
import numpy as np

from goldcrest.errors import EmptyInput, InvalidRequest
from goldcrest.serving.apart import OBJECT, apart
from goldcrest.tasks import Classify, Embed, Rerank, Similarity, States
from goldcrest.values import Floats, Item
from goldcrest.web.endpoint import Call
from goldcrest.web.inputs import texts_or_ids
from goldcrest.web.response import Buffer, Response
from goldcrest.web.rows import text_of, written
from goldcrest.web.tei.words import (
    EmbedAllRequest,
    EmbedRequest,
    PredictRequest,
    RerankRequest,
    SimilarityParameters,
    SimilarityRequest,
)


async def embed(call: Call[EmbedRequest]) -> Response:
    """Answer with a row per text, in the order of the request."""
    body = call.body
    reply = await call.predict(
        Embed(normalize=body.normalize, dimensions=body.dimensions, prompt=body.prompt_name),
        texts_or_ids(body.inputs),
        model=body.model,
        encode=body.encode(),
    )
    return Response(await apart(partial(text_of, reply.outputs), size=reply.outputs.size))


async def embed_all(call: Call[EmbedAllRequest]) -> Response:
    """Answer with a matrix per text: the state of every token, special ones included."""
    body = call.body
    reply = await call.predict(
        States(prompt=body.prompt_name),
        texts_or_ids(body.inputs),
        model=body.model,
        encode=body.encode(),
    )
    n_numbers = sum(states.size for states in reply.outputs)
    return Response(await apart(lambda: _listed(map(text_of, reply.outputs)), size=n_numbers))


async def predict(call: Call[PredictRequest]) -> msgspec.Raw:
    """Answer with the labels of one text or pair, best first; or with a list of them per item.

    Two texts are one pair, and get one answer; lists of one or two texts get one each.
    """
    body = call.body
    items, is_batch = _singles_and_pairs(body.inputs)
    task = Classify(scores="none" if body.raw_scores else "auto")
    reply = await call.predict(task, items, model=body.model, encode=body.encode())

    def write() -> msgspec.Raw:
        found = [_best_first(row, reply.labels) for row in reply.outputs]
        return written(found if is_batch else found[0])

    return await apart(write, size=reply.outputs.size * OBJECT)


async def rerank(call: Call[RerankRequest]) -> msgspec.Raw:
    """Answer with the places of the texts, the one that fits the query best first."""
    body = call.body
    reply = await call.predict(
        Rerank(raw=body.raw_scores),
        [(body.query, text) for text in body.texts],
        model=body.model,
        encode=body.encode(),
    )
    scores = reply.outputs
    return await apart(
        lambda: written([_rank(body, index, scores) for index in _descending(scores)]),
        size=scores.size * OBJECT,
    )


async def similarity(call: Call[SimilarityRequest]) -> Response:
    """Answer with the cosine of the source sentence with each of the others."""
    body, inputs = call.body, call.body.inputs
    parameters = body.parameters or SimilarityParameters()
    if not inputs.sentences:
        raise EmptyInput("the request holds no sentence to compare with; send at least one")
    reply = await call.predict(
        Similarity(prompt=parameters.prompt_name),
        [inputs.source_sentence, *inputs.sentences],
        model=body.model or parameters.model,
        encode=parameters.encode(),
    )
    return Response(text_of(reply.outputs))


def _singles_and_pairs(inputs: str | list[str | list[str]]) -> tuple[list[Item], bool]:
    """The items, and whether they came as a batch."""
    if isinstance(inputs, str):
        return [inputs], False
    texts = [one for one in inputs if isinstance(one, str)]
    if not texts:
        return [_single_or_pair(one) for one in inputs if isinstance(one, list)], True
    if len(texts) != 2 or len(inputs) != 2:
        raise InvalidRequest(
            "inputs must be a text, two texts that are a pair, or lists of one or two texts"
        )
    return [(texts[0], texts[1])], False


def _single_or_pair(texts: Sequence[str]) -> Item:
    return texts[0] if len(texts) == 1 else (texts[0], texts[1])


def _best_first(scores: Floats, labels: Sequence[str]) -> list[dict[str, Any]]:
    return [{"score": scores[index], "label": labels[index]} for index in _descending(scores)]


def _rank(body: RerankRequest, index: int, scores: Floats) -> dict[str, Any]:
    rank = {"index": index, "score": scores[index]}
    return rank | {"text": body.texts[index]} if body.return_text else rank


def _descending(scores: Floats) -> list[int]:
    """Places from the highest score to the lowest; the first of equals stays first."""
    found: list[int] = np.argsort(-scores, kind="stable").tolist()
    return found


def _listed(parts: Iterable[bytes]) -> tuple[Buffer, ...]:
    """JSON texts as one list, without joining them."""
    buffers = [buffer for part in parts for buffer in (b",", part)]
    return (b"[", *buffers[1:], b"]")
