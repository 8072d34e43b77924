"""The Open Inference Protocol v2 over HTTP, with the extensions that its clients use."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from goldcrest.errors import (
    Forbidden,
    InvalidRequest,
    Loading,
    NotServed,
    ServingError,
    Unavailable,
    UnknownModel,
    Unloaded,
)
from goldcrest.oip.configuration import configuration
from goldcrest.oip.conversation import answer
from goldcrest.oip.metadata import (
    EXTENSIONS,
    PLATFORM,
    ModelIndex,
    ModelMetadata,
    index,
    is_ready,
    metadata,
    served,
)
from goldcrest.serving.apart import apart
from goldcrest.web.endpoint import Call, Endpoint
from goldcrest.web.items import PREDICT_ERRORS
from goldcrest.web.oip_body import (
    InferReply,
    InferRequest,
    RepositoryRequest,
    read_question,
    read_repository_request,
    written,
)
from goldcrest.web.response import Problems, Response
from goldcrest.web.shortened import shortened

_encode = msgspec.json.Encoder().encode


class ServerMetadata(msgspec.Struct, frozen=True):
    """What the server is."""

    name: str
    version: str
    extensions: tuple[str, ...]


class ServerLive(msgspec.Struct, frozen=True):
    """The process runs."""

    live: bool


class ServerReady(msgspec.Struct, frozen=True):
    """Every model can answer, or one cannot yet."""

    ready: bool


class ModelReady(msgspec.Struct, frozen=True):
    """Whether a model can answer."""

    name: str
    ready: bool


class ModelNames(msgspec.Struct, frozen=True):
    """Every model of the settings."""

    models: tuple[str, ...]


class OipError(msgspec.Struct, frozen=True):
    """The body of every answer that is not a success."""

    error: str


OIP = Problems(OipError, lambda fault: OipError(fault.message))
"""The shape of the protocol."""


async def server_metadata(call: Call[None]) -> ServerMetadata:
    """Say who answers here, and what it can beside the required part of the protocol."""
    return ServerMetadata(PLATFORM, call.door.metrics.version, EXTENSIONS)


async def server_live(call: Call[None]) -> Response:
    """Answer 200 as long as the process can do its work; 503 where an engine hangs for good."""
    live = call.door.service.is_alive
    return Response(_encode(ServerLive(live)), status=200 if live else 503)


async def server_ready(call: Call[None]) -> Response:
    """Answer 200 when every model can answer; 503 while one loads or the server drains."""
    ready = call.door.service.is_ready
    return Response(_encode(ServerReady(ready)), status=200 if ready else 503)


async def model_names(call: Call[None]) -> ModelNames:
    """List the models of the settings, open or not."""
    return ModelNames(call.door.service.catalogue.expected)


async def model_metadata(call: Call[None]) -> ModelMetadata:
    """Say which tensors a model takes and gives; -1 stands for any size."""
    return metadata(served(call.door.service.catalogue, *_named(call)))


async def model_ready(call: Call[None]) -> Response:
    """Answer 200 when the model can answer; 503 while it loads, or is out of service."""
    name, version = _named(call)
    ready = is_ready(call.door.service, name, version)
    return Response(_encode(ModelReady(name, ready)), status=200 if ready else 503)


async def model_config(call: Call[None]) -> dict[str, Any]:
    """Say the same as the metadata, in the words of Triton's configuration."""
    return configuration(metadata(served(call.door.service.catalogue, *_named(call))))


async def model_statistics(_: Call[None]) -> Response:
    """Refuse: what is counted is at /metrics."""
    message = "statistics of the protocol are not kept; /metrics has counters and histograms"
    return Response(_encode(OipError(message)), status=501)


async def infer(call: Call[bytes]) -> Response:
    """Answer with the tensors that are asked for, or all.

    One input of BYTES holds texts, two hold pairs of texts, ``input_ids`` holds token ids.
    """
    model, version = _named(call)
    question = read_question(call.body, call.headers, model=model, version=version)
    door, visit = call.door, call.visit
    found = await answer(question, door.service, limit=door.config.max_items, urge=call.urgency)
    visit.model = found.reply.model
    visit.n_items += found.n_items
    visit.n_tokens += sum(found.reply.n_tokens)
    size = sum([tensor.n_elements for tensor in found.tensors])
    response = await apart(partial(written, question, found.tensors), size=size)
    return replace(response, headers=(*response.headers, *shortened(found.reply)))


async def repository_index(call: Call[bytes]) -> tuple[ModelIndex, ...]:
    """List every model of the settings, its state, and why it is not ready."""
    asked = read_repository_request(call.body)
    return index(call.door.service.catalogue, ready_only=asked.ready)


async def repository_load(call: Call[bytes]) -> dict[str, Any]:
    """Open a model of the settings that was taken out of service."""
    asked = read_repository_request(call.body)
    if "config" in asked.parameters:
        raise InvalidRequest("a model is loaded as the settings say; send no config")
    await call.door.service.catalogue.load(call.path["model"])
    return {}


async def repository_unload(call: Call[bytes]) -> dict[str, Any]:
    """Take a model out of service and free its memory; what runs is answered."""
    await call.door.service.catalogue.unload(call.path["model"])
    return {}


def _named(call: Call[Any]) -> tuple[str, str]:
    return call.path["model"], call.path.get("version", "")


_MODEL_ERRORS: tuple[type[ServingError], ...] = (NotServed, UnknownModel, Loading, Unloaded)
_INFER_ERRORS = (*PREDICT_ERRORS, NotServed)
_EXAMPLE = {
    "inputs": [
        {"name": "text", "shape": [2], "datatype": "BYTES", "data": ["gripping", "too long"]}
    ]
}


def _row(path: str, summary: str, call: Any, reply: Any, **more: Any) -> Endpoint:
    method = "POST" if "request" in more else "GET"
    return Endpoint(
        path=path,
        method=method,  # type: ignore[arg-type]  # one of the two
        tag="open inference protocol",
        summary=summary,
        call=call,
        reply=reply,
        problem=OIP,
        **more,
    )


def _of_model(end: str, summary: str, call: Any, reply: Any, **more: Any) -> tuple[Endpoint, ...]:
    """The two rows of a path of a model: with a version, and without."""
    return tuple(
        _row(f"/v2/models/{{model}}{version}{end}", summary, call, reply, **more)
        for version in ("", "/versions/{version}")
    )


ENDPOINTS = (
    *_of_model(
        "/infer",
        "Ask a model",
        infer,
        InferReply,
        request=bytes,
        described=InferRequest,
        is_binary_too=True,
        errors=_INFER_ERRORS,
        example=_EXAMPLE,
    ),
    _row("/v2", "What is this server?", server_metadata, ServerMetadata),
    _row(
        "/v2/health/live",
        "Is the process alive?",
        server_live,
        ServerLive,
        other_statuses={503: "An engine hangs for good: start the process again."},
        is_public=True,
    ),
    _row(
        "/v2/health/ready",
        "Should it get requests?",
        server_ready,
        ServerReady,
        other_statuses={503: "A model loads, or the server drains."},
        is_public=True,
    ),
    _row("/v2/models", "List the models", model_names, ModelNames),
    _row(
        "/v2/models/stats",
        "Statistics of all models",
        model_statistics,
        OipError,
        other_statuses={501: "Always."},
    ),
    *_of_model(
        "", "Which tensors does a model take?", model_metadata, ModelMetadata, errors=_MODEL_ERRORS
    ),
    *_of_model(
        "/ready",
        "Can a model answer?",
        model_ready,
        ModelReady,
        other_statuses={503: "It loads, or is out of service, or the server drains."},
        errors=(NotServed, UnknownModel),
    ),
    *_of_model("/config", "Configuration of a model", model_config, dict, errors=_MODEL_ERRORS),
    *_of_model(
        "/stats",
        "Statistics of a model",
        model_statistics,
        OipError,
        other_statuses={501: "Always."},
    ),
    _row(
        "/v2/repository/index",
        "List the models and their states",
        repository_index,
        tuple[ModelIndex, ...],
        request=bytes,
        described=RepositoryRequest,
    ),
    _row(
        "/v2/repository/models/{model}/load",
        "Open a model again",
        repository_load,
        dict,
        request=bytes,
        described=RepositoryRequest,
        errors=(UnknownModel, InvalidRequest, Forbidden, Unavailable),
    ),
    _row(
        "/v2/repository/models/{model}/unload",
        "Take a model out of service",
        repository_unload,
        dict,
        request=bytes,
        described=RepositoryRequest,
        errors=(UnknownModel, Forbidden),
    ),
)
