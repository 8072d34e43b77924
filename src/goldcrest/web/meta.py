"""About the server itself: what it serves, whether it is well, what it counted."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from goldcrest.names import Readable, TaskName
from goldcrest.serving.service import Service
from goldcrest.values import ServedModel
from goldcrest.web.endpoint import Call, Endpoint
from goldcrest.web.response import Response

_encode = msgspec.json.Encoder().encode


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
    is_open: Annotated[
        bool, Meta(description="false for one that the first request that needs it opens")
    ] = True
    members: Annotated[
        tuple[str, ...], Meta(description="of a cascade, in the order in which they are asked")
    ] = ()
    object: Literal["model"] = "model"
    owned_by: str = "goldcrest"


class ModelList(msgspec.Struct, frozen=True):
    """All served models."""

    data: list[ModelEntry]
    object: Literal["list"] = "list"


class Live(msgspec.Struct, frozen=True):
    """The process runs, its event loop turns, and its engines are not beyond repair."""

    status: Annotated[Literal["live", "hung"], Meta(description="200 or 503")] = "live"


class ModelState(msgspec.Struct, frozen=True):
    """Whether one model can answer."""

    name: str
    is_ready: bool


class Readiness(msgspec.Struct, frozen=True):
    """Whether the server should get requests."""

    status: Annotated[
        Literal["ready", "loading", "draining", "hung"], Meta(description="200 or 503")
    ]
    models: list[ModelState]


_LIVE = Response(_encode(Live()))


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
        is_open=model.is_open,
        members=model.members,
    )


async def live(call: Call[None]) -> Response:
    """Answer 200 as long as the process can do its work; restart it when this fails.

    A model that loads, or a server that drains, is live. An engine that hangs for good is not.
    """
    if call.door.service.is_alive:
        return _LIVE
    return Response(_encode(Live("hung")), status=503)


async def ready(call: Call[None]) -> Response:
    """Answer 200 when every model is warm; 503 while one loads or hangs, or the server drains."""
    service = call.door.service
    status = _state(service)
    models = [ModelState(model.name, model.is_ready) for model in service.models()]
    body = _encode(Readiness(status, models))
    if status == "ready":
        return Response(body)
    return Response(body, status=503, headers=((b"retry-after", b"1"),))


def _state(service: Service) -> Literal["ready", "loading", "draining", "hung"]:
    if not service.is_alive:
        return "hung"
    if service.is_draining:
        return "draining"
    return "ready" if service.is_ready else "loading"


async def metrics(call: Call[None]) -> Response:
    """Render the counters in the Prometheus text format."""
    counted = call.door.metrics
    return Response(await counted.scrape(), media_type=counted.content_type.encode())


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
        is_instant=True,
        other_statuses={503: "An engine hangs for good: start the process again."},
    ),
    Endpoint(
        path="/health/ready",
        method="GET",
        tag="server",
        summary="Should it get requests?",
        call=ready,
        reply=Readiness,
        is_public=True,
        is_instant=True,
        other_statuses={503: "A model loads, an engine hangs, or the server drains."},
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
