"""Embeddings in the shape of OpenAI, so that its clients work unchanged."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from goldcrest.errors import (
    EmptyInput,
    InputTooLong,
    InvalidRequest,
    Loading,
    Overloaded,
    ServingError,
    TooManyCharacters,
    TooManyItems,
    TooManyTokens,
    Unauthorized,
    UnknownModel,
    Unloaded,
    UnsupportedTask,
)
from goldcrest.names import Overflow
from goldcrest.serving.apart import apart
from goldcrest.tasks import Embed, Reply
from goldcrest.values import EncodeOptions, Floats
from goldcrest.web.endpoint import Call, Endpoint
from goldcrest.web.inputs import TokenId, texts_or_ids
from goldcrest.web.items import PREDICT_ERRORS
from goldcrest.web.meta import ModelEntry, list_models
from goldcrest.web.response import Fault, Problems, Response
from goldcrest.web.rows import rows
from goldcrest.web.shortened import shortened

_encode = msgspec.json.Encoder().encode


class EmbeddingsRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What OpenAI's clients send, then two fields of ours."""

    input: Annotated[
        str | list[str | TokenId | list[TokenId]],
        Meta(description="a text, token ids of the model's own tokenizer, or a list of either"),
    ]
    model: Annotated[
        str | None, Meta(description="a served model; null or empty: the default embedder")
    ] = None
    encoding_format: Annotated[
        Literal["float", "base64"] | None,
        Meta(description="base64: the bytes of little-endian float32; null: float"),
    ] = None
    dimensions: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        Meta(description="keep only so many leading dimensions; null: all"),
    ] = None
    user: Annotated[str | None, Meta(description="taken, and not used")] = None
    overflow: Annotated[
        Overflow,
        Meta(description="longer texts are refused, cut, or read in windows that are averaged"),
    ] = "reject"
    prompt_name: Annotated[
        str | None, Meta(description="a prompt of the model, put before every text")
    ] = None


class Vector(msgspec.Struct, frozen=True):
    """One embedding."""

    index: Annotated[int, Meta(description="place of its text in the request")]
    embedding: Annotated[
        msgspec.Raw,
        Meta(
            extra_json_schema={
                "oneOf": [
                    {"type": "array", "items": {"type": "number", "format": "float"}},
                    {"type": "string", "contentEncoding": "base64"},
                ]
            }
        ),
    ]
    object: Literal["embedding"] = "embedding"


class Usage(msgspec.Struct, frozen=True):
    """Tokens that were run, special ones included."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingsReply(msgspec.Struct, frozen=True):
    """One vector of length 1 per text, in the order of the request."""

    data: list[Vector]
    model: Annotated[str, Meta(description="the model that answered")]
    usage: Usage
    object: Literal["list"] = "list"


class OpenAIProblem(msgspec.Struct, frozen=True):
    """What went wrong, in the fields that OpenAI's clients read."""

    message: str
    type: Literal["invalid_request_error", "rate_limit_error", "server_error"]
    param: Annotated[str | None, Meta(description="the field that is at fault, if it is one")]
    code: str


class OpenAIErrorReply(msgspec.Struct, frozen=True):
    """The body of every answer that is not a success."""

    error: OpenAIProblem


_CODES: Mapping[type[ServingError], str] = {
    InputTooLong: "context_length_exceeded",
    UnknownModel: "model_not_found",
    Overloaded: "rate_limit_exceeded",
    Unauthorized: "invalid_api_key",
}
_PARAMS: Mapping[type[ServingError], str] = {
    EmptyInput: "input",
    InputTooLong: "input",
    TooManyItems: "input",
    TooManyTokens: "input",
    TooManyCharacters: "input",
    UnknownModel: "model",
    UnsupportedTask: "model",
}


def _told(fault: Fault) -> OpenAIErrorReply:
    kind = type(fault.error) if fault.error else ServingError
    return OpenAIErrorReply(
        OpenAIProblem(
            fault.message, _type(fault.status), _PARAMS.get(kind), _CODES.get(kind, fault.code)
        )
    )


def _type(status: int) -> Literal["invalid_request_error", "rate_limit_error", "server_error"]:
    if status >= 500:
        return "server_error"
    return "rate_limit_error" if status == 429 else "invalid_request_error"


OPENAI = Problems(OpenAIErrorReply, _told, {InvalidRequest: 400})
"""OpenAI answers 400 where our own routes say 422; its clients look for that."""


async def embeddings(call: Call[EmbeddingsRequest]) -> Response:
    """Answer with a vector of length 1 per text, in the order of the request.

    Too long a text is refused, as OpenAI does, unless `overflow` says otherwise; how many were cut
    is told in the header `x-goldcrest-truncated`.
    """
    body = call.body
    reply = await call.predict(
        Embed(normalize=True, dimensions=body.dimensions, prompt=body.prompt_name),
        texts_or_ids(body.input),
        model=body.model or None,
        encode=EncodeOptions(overflow=body.overflow),
    )
    writing = partial(_told_vectors, reply, is_packed=body.encoding_format == "base64")
    return Response(await apart(writing, size=reply.outputs.size), headers=shortened(reply))


def _told_vectors(reply: Reply[Floats], *, is_packed: bool) -> bytes:
    data = packed(reply.outputs) if is_packed else map(rows, reply.outputs)
    n_tokens = sum(reply.n_tokens)
    return _encode(EmbeddingsReply(_numbered(data), reply.model, Usage(n_tokens, n_tokens)))


def packed(vectors: Floats) -> Iterator[msgspec.Raw]:
    """Each vector as a JSON string of base64, made from the array's own memory."""
    for vector in np.ascontiguousarray(vectors, np.dtype("<f4")):
        yield msgspec.Raw(b'"%b"' % b64encode(vector))


def _numbered(vectors: Iterable[msgspec.Raw]) -> list[Vector]:
    return [Vector(index, vector) for index, vector in enumerate(vectors)]


async def describe(call: Call[None]) -> ModelEntry:
    """Answer with one entry of the list of models."""
    name = call.path["model"]
    for entry in (await list_models(call)).data:
        if entry.id == name:
            return entry
    call.door.service.catalogue.tokenizer(name)  # knows why it is not there
    raise Loading(f"the model {name!r} is still loading")


_PATHS = ("/v1/embeddings", "/embeddings")
ENDPOINTS = (
    *(
        Endpoint(
            path=path,
            method="POST",
            tag="openai",
            summary="Turn texts into vectors, as OpenAI does",
            call=embeddings,
            request=EmbeddingsRequest,
            reply=EmbeddingsReply,
            errors=PREDICT_ERRORS,
            example={"input": ["What is deep learning?"], "encoding_format": "float"},
            problem=OPENAI,
        )
        for path in _PATHS
    ),
    Endpoint(
        path="/v1/models/{model:path}",
        method="GET",
        tag="openai",
        summary="Describe one served model",
        call=describe,
        reply=ModelEntry,
        errors=(UnknownModel, Loading, Unloaded),
        problem=OPENAI,
    ),
)
