"""What each method of the protocol does."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from goldcrest.errors import InvalidRequest
from goldcrest.oip.configuration import NUMBERS, configuration
from goldcrest.oip.conversation import answer
from goldcrest.oip.metadata import EXTENSIONS, PLATFORM, index, is_ready, metadata, served
from goldcrest.rpc.messages import MESSAGES
from goldcrest.rpc.tensors import read_question, written
from goldcrest.rpc.visits import Visit, Visits
from goldcrest.serving.apart import apart
from goldcrest.serving.keys import Keys
from goldcrest.serving.room import Room
from goldcrest.serving.service import Service
from goldcrest.serving.urgency import NO_WISH, Wish, urge
from goldcrest.values import Urgency


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What the methods stand on.

    Attributes:
        keys: those that callers must show; none means that everybody may come in.
        version: of the server.
        max_items: that one request may have.
        room: for inferences and their messages.
        visits: hears what became of every call.
    """

    service: Service
    keys: Keys
    version: str
    max_items: int
    room: Room = field(default_factory=lambda: Room(1024, 64_000_000))
    visits: Visits = field(default_factory=Visits)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as a method sees it.

    Attributes:
        request: a message.
        visit: where it is noted who asks, and what became of it.
    """

    door: Door
    request: Any
    visit: Visit

    def urgency(self, wish: Wish = NO_WISH) -> Urgency:
        """How urgent this call is, given what its message says."""
        return urge(self.visit, self.door.keys.ceiling(self.visit.caller), wish)


class Unsupported(Exception):
    """A part of the protocol that is not there; the message says what stands in."""


async def _server_live(call: Call) -> Any:
    return MESSAGES["ServerLiveResponse"](live=call.door.service.is_alive)


async def _server_ready(call: Call) -> Any:
    return MESSAGES["ServerReadyResponse"](ready=call.door.service.is_ready)


async def _model_ready(call: Call) -> Any:
    ready = is_ready(call.door.service, call.request.name, call.request.version)
    return MESSAGES["ModelReadyResponse"](ready=ready)


async def _server_metadata(call: Call) -> Any:
    return MESSAGES["ServerMetadataResponse"](
        name=PLATFORM, version=call.door.version, extensions=EXTENSIONS
    )


async def _model_metadata(call: Call) -> Any:
    found = metadata(_served(call))
    tensor = MESSAGES["TensorMetadata"]
    return MESSAGES["ModelMetadataResponse"](
        name=found.name,
        versions=found.versions,
        platform=found.platform,
        inputs=[tensor(name=t.name, datatype=t.datatype, shape=t.shape) for t in found.inputs],
        outputs=[tensor(name=t.name, datatype=t.datatype, shape=t.shape) for t in found.outputs],
    )


async def _model_config(call: Call) -> Any:
    found = configuration(metadata(_served(call)))
    for tensor in (*found["input"], *found["output"]):
        tensor["data_type"] = NUMBERS[tensor["data_type"]]
    return MESSAGES["ModelConfigResponse"](config=MESSAGES["ModelConfig"](**found))


async def _model_statistics(_: Call) -> Any:
    raise Unsupported("statistics of the protocol are not kept; /metrics over HTTP has counters")


async def model_infer(call: Call) -> Any:
    """Answer a ``ModelInferRequest``.

    Raises:
        ServingError: whatever keeps it from being answered.
    """
    door, visit, question = call.door, call.visit, read_question(call.request)
    found = await answer(question, door.service, limit=door.max_items, urge=call.urgency)
    visit.model = found.reply.model
    visit.n_items += found.n_items
    visit.n_tokens += sum(found.reply.n_tokens)
    size = 0 if question.is_binary else sum([tensor.n_elements for tensor in found.tensors])
    response = await apart(partial(written, question, found.tensors), size=size)
    if n_cut := sum(n > 0 for n in found.reply.n_dropped):
        response.parameters["n_truncated"].int64_param = n_cut
    return response


async def _repository_index(call: Call) -> Any:
    entries = index(call.door.service.catalogue, ready_only=call.request.ready)
    response = MESSAGES["RepositoryIndexResponse"]()
    for entry in entries:
        response.models.add(
            name=entry.name, version=entry.version, state=entry.state, reason=entry.reason
        )
    return response


async def _repository_load(call: Call) -> Any:
    if "config" in call.request.parameters:
        raise InvalidRequest("a model is loaded as the settings say; send no config")
    await call.door.service.catalogue.load(call.request.model_name)
    return MESSAGES["RepositoryModelLoadResponse"]()


async def _repository_unload(call: Call) -> Any:
    await call.door.service.catalogue.unload(call.request.model_name)
    return MESSAGES["RepositoryModelUnloadResponse"]()


def _served(call: Call) -> Any:
    return served(call.door.service.catalogue, call.request.name, call.request.version)


METHODS: Mapping[str, Callable[[Call], Coroutine[Any, Any, Any]]] = {
    "ServerLive": _server_live,
    "ServerReady": _server_ready,
    "ModelReady": _model_ready,
    "ServerMetadata": _server_metadata,
    "ModelMetadata": _model_metadata,
    "ModelInfer": model_infer,
    "ModelConfig": _model_config,
    "ModelStatistics": _model_statistics,
    "RepositoryIndex": _repository_index,
    "RepositoryModelLoad": _repository_load,
    "RepositoryModelUnload": _repository_unload,
}
"""By name; a method's messages are named after it."""
PUBLIC = frozenset({"ServerLive", "ServerReady"})
"""Answered to callers without a key too."""
