"""Classification: texts in, a probability per label out."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from goldcrest.names import Priority
from goldcrest.serving.apart import apart
from goldcrest.serving.urgency import LEAST_MS, MOST_MS, NO_WISH, Wish
from goldcrest.tasks import Classify
from goldcrest.web.endpoint import Call, Endpoint
from goldcrest.web.items import PREDICT_ERRORS, encode_options
from goldcrest.web.rows import Rows, rows

_AS_TRAINED = Classify()


class ClassifyRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One text, or several."""

    text: Annotated[str | list[str], Meta(description="one text, or a list of texts")]
    max_length: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000_000,
            description="tokens per text, special ones included; "
            "a number above the model's own limit means that limit",
        ),
    ] = 128
    model: Annotated[
        str | None, Meta(description="a served model; null: the default classifier")
    ] = None
    truncate: Annotated[
        bool, Meta(description="cut longer texts; false: refuse them with input_too_long")
    ] = True
    priority: Annotated[
        Priority | None,
        Meta(
            description="the class of the work; null: what the headers, the key or the server say"
        ),
    ] = None
    timeout_ms: Annotated[
        Annotated[float, Meta(ge=LEAST_MS, le=MOST_MS)] | None,
        Meta(description="ms after which nobody wants the answer; null: what the headers say"),
    ] = None

    @property
    def wish(self) -> Wish:
        """What the body says of its urgency."""
        if self.priority is None and self.timeout_ms is None:
            return NO_WISH
        return Wish(self.priority, None if self.timeout_ms is None else self.timeout_ms / 1e3)


class ClassifyReply(msgspec.Struct, frozen=True):
    """One row per text, in the order of the request."""

    predictions: Annotated[Rows, Meta(description="per text, one number per label")]
    labels: Annotated[tuple[str, ...], Meta(description="what the numbers stand for")]
    truncated: Annotated[list[bool], Meta(description="per text, whether it was cut")]
    model: Annotated[str, Meta(description="the model that answered")]


async def classify(call: Call[ClassifyRequest]) -> ClassifyReply:
    """Answer with a row of probabilities per text and a column per label."""
    body = call.body
    reply = await call.predict(
        _AS_TRAINED,
        [body.text] if isinstance(body.text, str) else body.text,
        model=body.model,
        encode=encode_options(body.max_length, truncate=body.truncate),
        wish=body.wish,
    )
    return ClassifyReply(
        predictions=await apart(partial(rows, reply.outputs), size=reply.outputs.size),
        labels=reply.labels,
        truncated=[n > 0 for n in reply.n_dropped],
        model=reply.model,
    )


ENDPOINTS = (
    Endpoint(
        path="/classify",
        method="POST",
        tag="predict",
        summary="Classify one text or several",
        call=classify,
        request=ClassifyRequest,
        reply=ClassifyReply,
        errors=PREDICT_ERRORS,
        example={"text": ["a gripping story", "two hours too long"], "max_length": 128},
    ),
)
