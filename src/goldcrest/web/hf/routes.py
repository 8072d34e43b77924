"""The rows of the table for Hugging Face's clients: one door, four ways to narrow it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from goldcrest.web.endpoint import Call, Endpoint
from goldcrest.web.hf.meaning import meaning, pipeline_named
from goldcrest.web.hf.pipelines import PIPELINES, Asked, Pipeline
from goldcrest.web.hf.words import HuggingFaceRequest
from goldcrest.web.items import PREDICT_ERRORS
from goldcrest.web.response import Fault, Problems, Response


class HuggingFaceErrorReply(msgspec.Struct, frozen=True):
    """What went wrong, in the fields that Hugging Face's clients read."""

    error: str
    error_type: str


def _told(fault: Fault) -> HuggingFaceErrorReply:
    return HuggingFaceErrorReply(fault.message, fault.code)


HUGGING_FACE = Problems(HuggingFaceErrorReply, _told)


async def at_root(call: Call[HuggingFaceRequest]) -> Response:
    """Answer with the first model that does what the inputs and parameters mean.

    A question with its context, a source sentence with others, a query with texts, and candidate
    labels mean their task. A bare text means what the first model was trained for that takes such parameters.
    """
    return await _answer(call, None, PIPELINES)


async def at_model(call: Call[HuggingFaceRequest]) -> Response:
    """Answer with that model, with what it was trained for unless the request means another."""
    return await _answer(call, call.path["model"], PIPELINES)


async def at_task(call: Call[HuggingFaceRequest]) -> Response:
    """Answer with the first model that does that task."""
    return await _answer(call, None, (pipeline_named(call.path["task"]),))


async def at_task_and_model(call: Call[HuggingFaceRequest]) -> Response:
    """Answer with that model and that task."""
    return await _answer(call, call.path["model"], (pipeline_named(call.path["task"]),))


async def _answer(
    call: Call[HuggingFaceRequest], model: str | None, pipelines: Sequence[Pipeline]
) -> Response:
    models = [one for one in call.door.service.models() if model in (None, one.name)]
    meant = meaning(call.body.meant, call.body.given, models=models, pipelines=pipelines)
    asked = Asked(call, meant.inputs, meant.parameters, model, meant.served)
    return await meant.pipeline.answer(asked)


_ROWS = (
    ("/", at_root, "Do what the inputs and parameters mean"),
    ("/pipeline/{task}", at_task, "Do one task"),
    ("/pipeline/{task}/{model:path}", at_task_and_model, "Do one task with one model"),
    ("/models/{model:path}/pipeline/{task}", at_task_and_model, "Do one task with one model"),
    ("/models/{model:path}", at_model, "Ask one model"),
)
ENDPOINTS = tuple(
    Endpoint(
        path=path,
        method="POST",
        tag="huggingface",
        summary=f"{summary}, as Hugging Face's clients ask",
        call=call,
        request=HuggingFaceRequest,
        reply=Any,
        errors=PREDICT_ERRORS,
        example={"inputs": "a gripping story", "parameters": {"top_k": 1}},
        problem=HUGGING_FACE,
    )
    for path, call, summary in _ROWS
)
