"""Embeddings in the shape of Text Embeddings Inference, so that its clients work unchanged."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from goldcrest.errors import InvalidRequest
from goldcrest.values import Item, Request
from goldcrest.web.endpoint import Door, Endpoint
from goldcrest.web.items import PREDICT_ERRORS, checked, encode_options
from goldcrest.web.rows import Rows, rows

TokenId = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class EmbedRequest(msgspec.Struct, frozen=True):
    """Texts, or lists of token ids; fields that are not known here are passed over, as TEI does."""

    inputs: Annotated[
        str | list[str | TokenId | list[TokenId]],
        Meta(description="a text, token ids, or a list of either"),
    ]
    truncate: Annotated[
        bool | None, Meta(description="cut longer texts; false: refuse them; null: cut")
    ] = None
    truncation_direction: Annotated[
        Literal["Right", "Left", "right", "left"],
        Meta(description="the end that is cut; only right is supported"),
    ] = "Right"
    prompt_name: Annotated[str | None, Meta(description="not supported; must be null")] = None
    normalize: Annotated[bool, Meta(description="vectors of length 1")] = True
    dimensions: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        Meta(description="keep only so many leading dimensions; null: all"),
    ] = None
    model: Annotated[str | None, Meta(description="a served model; null: the default embedder")] = (
        None
    )


async def embed(door: Door, body: EmbedRequest) -> msgspec.Raw:
    """Answer with a row per text, in the order of the request."""
    _refuse_unsupported(body)
    reply = await door.service.predict(
        Request(
            task="embed",
            items=checked(_items(body.inputs), limit=door.config.max_items),
            model=body.model,
            encode=encode_options(None, truncate=body.truncate is not False),
            present={"normalize": body.normalize, "dimensions": body.dimensions},
        )
    )
    return rows(reply.outputs)


def _refuse_unsupported(body: EmbedRequest) -> None:
    if body.truncation_direction.lower() == "left":
        raise InvalidRequest("truncation_direction 'left' is not supported; only 'right' is")
    if body.prompt_name is not None:
        raise InvalidRequest(
            f"prompt_name {body.prompt_name!r} is not supported; put the prompt before the text"
        )


def _items(inputs: str | list[str | int | list[int]]) -> list[Item]:
    """Sort out the four forms: a text, texts, the ids of one text, the ids of several."""
    if isinstance(inputs, str):
        return [inputs]
    kinds = {type(item) for item in inputs}
    if kinds == {int}:
        return [tuple(item for item in inputs if isinstance(item, int))]
    if int in kinds:
        raise InvalidRequest("inputs mixes token ids with texts or lists; send one or the other")
    return [tuple(item) if isinstance(item, list) else str(item) for item in inputs]


ENDPOINTS = (
    Endpoint(
        path="/embed",
        method="POST",
        tag="predict",
        summary="Turn one text or several into vectors",
        call=embed,
        request=EmbedRequest,
        reply=Rows,
        errors=PREDICT_ERRORS,
        example={"inputs": ["What is deep learning?"], "normalize": True},
    ),
)
