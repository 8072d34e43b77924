"""About the server itself: what it serves, whether it is well, what it counted."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from goldcrest.names import Readable, TaskName
from goldcrest.values import ServedModel
from goldcrest.web.endpoint import Call, Endpoint
from goldcrest.web.response import Response


class ModelEntry(msgspec.Struct, frozen=True):
    """A served model: the fields that OpenAI's clients read, then ours."""

    id: str
    created: Annotated[int, Meta(description="when the server started, in s since 1970")]
    task: Annotated[Readable, Meta(description="what it was trained for")]
    tasks: Annotated[tuple[TaskName, ...], Meta(description="everything it can be asked for")]
    labels: Annotated[tuple[str, ...], Meta(description="of its outputs, in order")]
    dimensions: Annotated[int, Meta(description="of an embedder's vectors, else 0")]
    precision: Annotated[str, Meta(description="what runs; empty until it is chosen")]
    max_length: Annotated[int, Meta(description="tokens per text, special ones included")]
    digest: Annotated[str, Meta(description="of the artifact")]
    source: Annotated[str, Meta(description="what the artifact was made from")]
    is_ready: bool
    defaults: Annotated[
        tuple[TaskName, ...], Meta(description="tasks it answers when no model is named")
    ]
    object: Literal["model"] = "model"
    owned_by: str = "goldcrest"


class ModelList(msgspec.Struct, frozen=True):
    """All served models."""

    data: list[ModelEntry]
    object: Literal["list"] = "list"


class Live(msgspec.Struct, frozen=True):
    """The process runs and its event loop turns."""

    status: Literal["live"] = "live"


class ModelState(msgspec.Struct, frozen=True):
    """Whether one model can answer."""

    name: str
    is_ready: bool


class Readiness(msgspec.Struct, frozen=True):
    """Whether the server should get requests."""

    status: Annotated[Literal["ready", "loading", "draining"], Meta(description="200 or 503")]
    models: list[ModelState]


async def list_models(call: Call[None]) -> ModelList:
    """Answer with the names that ``model`` in a request may have, as ``id``."""
    door = call.door
    return ModelList([_entry(model, created=door.opened) for model in door.service.models()])


def _entry(model: ServedModel, *, created: int) -> ModelEntry:
    return ModelEntry(
        id=model.name,
        created=created,
        task=model.task,
        tasks=model.tasks,
        labels=model.labels,
        dimensions=model.dimensions,
        precision=model.precision,
        max_length=model.max_length,
        digest=model.digest,
        source=model.source,
        is_ready=model.is_ready,
        defaults=model.defaults,
    )


async def live(_: Call[None]) -> Live:
    """Answer 200 as long as the process can answer at all; restart it when this fails."""
    return Live()


async def ready(call: Call[None]) -> Response:
    """Answer 200 when every model is warm; 503 while one loads or the server drains."""
    service = call.door.service
    status: Literal["ready", "loading", "draining"] = "ready"
    if not service.is_ready:
        status = "draining" if service.is_draining else "loading"
    models = [ModelState(model.name, model.is_ready) for model in service.models()]
    body = msgspec.json.encode(Readiness(status, models))
    if status == "ready":
        return Response(body)
    return Response(body, status=503, headers=((b"retry-after", b"1"),))


async def metrics(call: Call[None]) -> Response:
    """Render the counters in the Prometheus text format."""
    counted = call.door.metrics
    return Response(counted.render(), media_type=counted.content_type.encode())


ENDPOINTS = (
    Endpoint(
        path="/v1/models",
        method="GET",
        tag="server",
        summary="List the served models",
        call=list_models,
        reply=ModelList,
    ),
    Endpoint(
        path="/health/live",
        method="GET",
        tag="server",
        summary="Is the process alive?",
        call=live,
        reply=Live,
        is_public=True,
    ),
    Endpoint(
        path="/health/ready",
        method="GET",
        tag="server",
        summary="Should it get requests?",
        call=ready,
        reply=Readiness,
        is_public=True,
        other_statuses={503: "A model loads, or the server drains."},
    ),
    Endpoint(
        path="/metrics",
        method="GET",
        tag="server",
        summary="Prometheus metrics",
        call=metrics,
        reply=None,
        media_type="text/plain",
    ),
)
