"""Reranking in the shape that Cohere and Jina share, so that their clients work unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any
from uuid import uuid4

import msgspec
import numpy as np
from msgspec import Meta

from goldcrest.errors import InvalidRequest, TooManyItems
from goldcrest.names import Overflow
from goldcrest.serving.apart import OBJECT, apart
from goldcrest.serving.urgency import NO_WISH, Wish
from goldcrest.tasks import Reply, Rerank
from goldcrest.text.tokenizer import Tokenizer
from goldcrest.values import EncodeOptions, Floats, Item
from goldcrest.web.endpoint import Call, Endpoint
from goldcrest.web.items import PREDICT_ERRORS
from goldcrest.web.response import Fault, Problems, Response
from goldcrest.web.shortened import shortened

Document = str | dict[str, Any]
_Count = Annotated[int, Meta(ge=1, le=1_000_000_000)] | None
_LATER = Wish("bulk")
_encode = msgspec.json.Encoder().encode


class CohereRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the clients of Cohere (v1, v2) and Jina send, then a field of ours."""

    query: str
    documents: Annotated[
        list[Document], Meta(description='texts, or objects that hold one under "text"')
    ]
    model: Annotated[
        str | None, Meta(description="a served model; null or empty: the default reranker")
    ] = None
    top_n: Annotated[_Count, Meta(description="how many to answer with; null: all")] = None
    return_documents: Annotated[
        bool | None, Meta(description="whether to send each document back with its score")
    ] = None
    rank_fields: Annotated[
        Annotated[list[str], Meta(max_length=64)] | None,
        Meta(description='fields of an object that make up its text, a line each; null: "text"'),
    ] = None
    max_tokens_per_doc: Annotated[
        _Count, Meta(description="documents are cut to so many tokens; null: the model's limit")
    ] = None
    max_chunks_per_doc: Annotated[
        _Count,
        Meta(description="1: long documents are cut; more: they are read whole, in windows"),
    ] = None
    priority: Annotated[
        Annotated[int, Meta(ge=0, le=999)] | None,
        Meta(description="above 0: class bulk; 0 or null: what the headers, the key or we say"),
    ] = None
    overflow: Annotated[
        Overflow | None,
        Meta(description="long documents are cut, refused, or read in windows; null: cut"),
    ] = None


class Ranked(msgspec.Struct, frozen=True, omit_defaults=True):
    """A document and how well it answers."""

    index: Annotated[int, Meta(description="place of the document in the request")]
    relevance_score: Annotated[float, Meta(description="from 0 to 1")]
    document: dict[str, Any] | None = None


class Version(msgspec.Struct, frozen=True):
    """Of the protocol."""

    version: str


class BilledUnits(msgspec.Struct, frozen=True):
    """Nothing is billed; some clients want to see it counted."""

    search_units: int = 1


class Tokens(msgspec.Struct, frozen=True):
    """Tokens that were run, special ones included."""

    input_tokens: int


class RerankMeta(msgspec.Struct, frozen=True):
    """What Cohere's clients read beside the results."""

    api_version: Version
    billed_units: BilledUnits
    tokens: Tokens
    warnings: Annotated[list[str], Meta(description="says if documents were cut")]


class RerankUsage(msgspec.Struct, frozen=True):
    """What Jina's clients read beside the results."""

    prompt_tokens: int
    total_tokens: int


class CohereReply(msgspec.Struct, frozen=True):
    """The best documents, best first."""

    id: str
    model: Annotated[str, Meta(description="the model that answered")]
    results: list[Ranked]
    meta: RerankMeta
    usage: RerankUsage


class CohereErrorReply(msgspec.Struct, frozen=True):
    """What went wrong: Cohere's clients read ``message``, Jina's ``detail``."""

    message: str
    detail: str
    code: str


def _told(fault: Fault) -> CohereErrorReply:
    return CohereErrorReply(fault.message, fault.message, fault.code)


COHERE = Problems(CohereErrorReply, _told)


async def rerank_v1(call: Call[CohereRequest]) -> Response:
    """Answer with the documents in the order in which they answer the query, best first."""
    return await _rerank(call, version="1")


async def rerank_v2(call: Call[CohereRequest]) -> Response:
    """Answer with the documents in the order in which they answer the query, best first."""
    return await _rerank(call, version="2")


async def _rerank(call: Call[CohereRequest], *, version: str) -> Response:
    body = call.body
    _check_number(body.documents, limit=call.door.config.max_items)
    texts = [text_of(body, index) for index in range(len(body.documents))]
    if body.max_tokens_per_doc is not None:
        cutting = partial(first_tokens, texts, _tokenizer(call), body)
        texts = await apart(cutting, size=sum(map(len, texts)))
    reply = await call.predict(
        Rerank(),
        pairs(body.query, texts),
        model=body.model or None,
        encode=EncodeOptions(overflow=_overflow(body)),
        wish=_LATER if body.priority else NO_WISH,
    )
    writing = partial(_written, body, reply, version)
    return Response(await apart(writing, size=len(texts) * OBJECT), headers=shortened(reply))


def _check_number(documents: Sequence[Document], *, limit: int) -> None:
    """Refuse too many before the text of each is made."""
    if len(documents) > limit:
        raise TooManyItems(len(documents), limit)


def text_of(body: CohereRequest, index: int) -> str:
    """The text that is ranked for a document.

    Raises:
        InvalidRequest: a field is missing, or is no text.
    """
    document = body.documents[index]
    if isinstance(document, str):
        return document
    fields = ["text"] if body.rank_fields is None else list(dict.fromkeys(body.rank_fields))
    values = [document.get(field) for field in fields]
    if not values or not all(isinstance(value, str) for value in values):
        raise InvalidRequest(f"document {index} needs a text under each of: {', '.join(fields)}")
    return "\n".join(map(str, values))


def first_tokens(texts: Sequence[str], tokenizer: Tokenizer, body: CohereRequest) -> list[str]:
    """The texts cut to ``max_tokens_per_doc`` tokens; a text has no more tokens than characters."""
    limit = body.max_tokens_per_doc or 0
    return [
        text if limit >= min(len(text), tokenizer.max_length) else _cut(text, tokenizer, limit)
        for text in texts
    ]


def pairs(query: str, texts: Sequence[str]) -> list[Item]:
    """The query with each text."""
    return [(query, text) for text in texts]


def best_first(scores: Floats, top_n: int | None) -> list[int]:
    """Indices by falling score; of equal ones the earlier first."""
    order: list[int] = np.argsort(-scores, kind="stable")[:top_n].tolist()
    return order


def _tokenizer(call: Call[CohereRequest]) -> Tokenizer:
    """That of the model which will answer."""
    service = call.door.service
    rerankers = (model.name for model in service.models() if "rerank" in model.tasks)
    return service.catalogue.tokenizer(call.body.model or next(rerankers, None))


def _cut(text: str, tokenizer: Tokenizer, limit: int) -> str:
    pieces = tokenizer.pieces(text, add_special=False)
    return text if len(pieces) <= limit else text[: pieces[limit - 1][4]]


def _overflow(body: CohereRequest) -> Overflow:
    if body.overflow is not None:
        return body.overflow
    return "window" if (body.max_chunks_per_doc or 1) > 1 else "truncate"


def _written(body: CohereRequest, reply: Reply[Floats], version: str) -> bytes:
    return _encode(_reply(body, reply, version))


def _reply(body: CohereRequest, reply: Reply[Floats], version: str) -> CohereReply:
    n_tokens, scores = sum(reply.n_tokens), reply.outputs
    return CohereReply(
        id=str(uuid4()),
        model=reply.model,
        results=[
            Ranked(index, float(scores[index]), _shown(body, index))
            for index in best_first(scores, body.top_n)
        ],
        meta=RerankMeta(Version(version), BilledUnits(), Tokens(n_tokens), _warnings(reply)),
        usage=RerankUsage(n_tokens, n_tokens),
    )


def _shown(body: CohereRequest, index: int) -> dict[str, Any] | None:
    if not body.return_documents:
        return None
    document = body.documents[index]
    return {"text": document} if isinstance(document, str) else document


def _warnings(reply: Reply[Any]) -> list[str]:
    n_cut = sum(n > 0 for n in reply.n_dropped)
    return [f"{n_cut} of the documents were cut to the model's limit of tokens"] if n_cut else []


ENDPOINTS = tuple(
    Endpoint(
        path=path,
        method="POST",
        tag="rerank",
        summary="Sort documents by how well they answer a query, as Cohere and Jina do",
        call=call,
        request=CohereRequest,
        reply=CohereReply,
        errors=PREDICT_ERRORS,
        example={
            "query": "What is the capital of France?",
            "documents": ["Paris is the capital of France.", "Berlin lies on the Spree."],
            "top_n": 1,
        },
        problem=COHERE,
    )
    for path, call in (("/v1/rerank", rerank_v1), ("/v2/rerank", rerank_v2))
)
