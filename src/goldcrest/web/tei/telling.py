"""What TEI tells without running a model: tokens, health, and what is served."""

from __future__ import annotations

from collections.abc import Sequence

from goldcrest.errors import Draining, InvalidRequest, Loading, TooManyTokens
from goldcrest.serving.apart import OBJECT, apart
from goldcrest.text.tokenizer import Piece
from goldcrest.values import ServedModel
from goldcrest.web.endpoint import Call
from goldcrest.web.items import checked
from goldcrest.web.response import Response
from goldcrest.web.tei.words import (
    ClassifierType,
    DecodeRequest,
    EmbeddingType,
    Info,
    ModelType,
    SimpleToken,
    TokenizeRequest,
)

_CHARACTER = 4
"""As many numbers as a character takes to tokenise, or an id to become one."""
_DTYPES = {"f32": "float32", "bf16": "bfloat16"}


async def tokenize(call: Call[TokenizeRequest]) -> list[list[SimpleToken]]:
    """Answer with the tokens of each text."""
    body, door = call.body, call.door
    if body.prompt_name is not None:
        raise InvalidRequest("prompt_name is not supported here; put the prompt before the text")
    texts = [body.inputs] if isinstance(body.inputs, str) else body.inputs
    checked(texts, limit=door.config.max_items)
    tokenizer = door.service.catalogue.tokenizer(body.model)

    def split() -> list[list[Piece]]:
        return [tokenizer.pieces(text, add_special=body.add_special_tokens) for text in texts]

    n_characters = sum(map(len, texts))
    pieces = await apart(split, size=n_characters * _CHARACTER)
    n_tokens, limit = sum(map(len, pieces)), door.batch.max_request_tokens
    if n_tokens > limit:
        raise TooManyTokens(n_tokens, limit)
    return await apart(
        lambda: [[SimpleToken(*piece) for piece in text] for text in pieces],
        size=n_tokens * OBJECT,
    )


async def decode(call: Call[DecodeRequest]) -> list[str]:
    """Answer with the text of each list of token ids."""
    body, door = call.body, call.door
    lists = checked_lists(body.ids)
    checked(lists, limit=door.config.max_items)
    tokenizer = door.service.catalogue.tokenizer(body.model)

    def join() -> list[str]:
        return [tokenizer.decode(ids, skip_special=body.skip_special_tokens) for ids in lists]

    return await apart(join, size=sum(map(len, lists)) * _CHARACTER)


def checked_lists(ids: Sequence[int | list[int]]) -> list[tuple[int, ...]]:
    """The ids of one text, or of several, as those of several.

    Raises:
        InvalidRequest: numbers and lists are mixed.
    """
    lists = [tuple(one) for one in ids if isinstance(one, list)]
    if lists and len(lists) != len(ids):
        raise InvalidRequest("ids mixes token ids and lists of them; send one or the other")
    return lists or ([tuple(one for one in ids if isinstance(one, int))] if ids else [])


async def health(call: Call[None]) -> Response:
    """Answer 200 and nothing else when every model is warm."""
    service = call.door.service
    if service.is_draining:
        raise Draining("the server is shutting down and takes no new requests")
    if not service.is_ready:
        raise Loading("a model is still loading")
    return Response(b"", media_type=b"text/plain")


async def info(call: Call[None]) -> Info:
    """Describe the first model, and the limits of the server."""
    door = call.door
    models = door.service.models()
    if not models:
        raise Loading("no model is open yet")
    first = models[0]
    return Info(
        model_id=first.source,
        model_sha=first.digest,
        model_dtype=_DTYPES.get(first.precision, first.precision),
        served_model_name=first.name,
        model_type=_model_type(first),
        max_concurrent_requests=max(1, door.batch.max_waiting_tokens // first.max_length),
        max_input_length=first.max_length,
        max_batch_tokens=door.batch.max_grid_tokens,
        max_batch_requests=None,
        max_client_batch_size=door.config.max_items,
        auto_truncate=True,
        tokenization_workers=1,
        version=door.metrics.version,
    )


def _model_type(model: ServedModel) -> ModelType:
    if model.task == "embed":
        return ModelType(embedding=EmbeddingType(model.pooling))
    labels = dict(enumerate(model.labels))
    type_ = ClassifierType(
        {str(index): label for index, label in labels.items()},
        {label: index for index, label in labels.items()},
    )
    return ModelType(reranker=type_) if "rerank" in model.tasks else ModelType(classifier=type_)
