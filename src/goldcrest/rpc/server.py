"""The gRPC door: in the event loop of the HTTP door, beside it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from math import ceil, isfinite
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from goldcrest.config import RpcConfig
from goldcrest.errors import ConfigError, MalformedRequest, ServingError
from goldcrest.rpc.codes import code_of
from goldcrest.rpc.health import Health
from goldcrest.rpc.messages import INFERENCE, MESSAGES
from goldcrest.rpc.methods import METHODS, PUBLIC, Call, Door, Unsupported, model_infer
from goldcrest.rpc.visits import Visit
from goldcrest.serving.urgency import PRIORITY, TIMEOUT, Wish, read_wish

_log = logging.getLogger("goldcrest.rpc")
_SERVICE = f"{INFERENCE}.GRPCInferenceService"
_MAX_MESSAGE = 600
"""Characters of an error: it travels in a header, and clients drop those of more than 8 KiB."""
_STREAM = "ModelStreamInfer"
_ASKING = ("ModelInfer", _STREAM)
"""Methods that keep an engine busy: they take room, and may be more or less urgent."""
_BESIDE = 256
"""Calls beside those that there is room for: refusals, and questions of health."""
_GRACE_S = 1.0
"""How long answers may take to be written once nothing is left to work on."""

Metadata = tuple[tuple[str, str], ...]


@asynccontextmanager
async def listening(
    config: RpcConfig,
    door: Door,
    *,
    shares_port: bool = False,
    grace_s: Callable[[], float] = lambda: _GRACE_S,
) -> AsyncIterator[int]:
    """Answer while the context lasts; gives the port.

    Args:
        config: where to listen; port 0 is any free one here.
        door: what the methods stand on.
        shares_port: other processes listen on the same port.
        grace_s: asked at the end: how long what still runs may take. Who has drained the service
            leaves only answers to be written.

    Raises:
        ConfigError: the address cannot be listened on.
    """
    server = grpc.aio.server(
        options=[
            ("grpc.so_reuseport", int(shares_port)),  # else, a port that is taken is an error
            ("grpc.max_receive_message_length", config.max_message_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_concurrent_streams", config.max_requests),  # of one connection
        ],
        maximum_concurrent_rpcs=config.max_requests + _BESIDE,
    )
    server.add_generic_rpc_handlers((_handlers(door), Health(door.service).handlers()))
    port = _listen(server, config)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(grace_s())


def _listen(server: grpc.aio.Server, config: RpcConfig) -> int:
    host = f"[{config.host}]" if ":" in config.host else config.host
    try:
        port: int = server.add_insecure_port(f"{host}:{config.port}")
    except RuntimeError as error:
        raise ConfigError(f"cannot listen on {config.host} port {config.port} for gRPC") from error
    return port


def _handlers(door: Door) -> grpc.GenericRpcHandler:
    methods = {name: _unary(door, name) for name in METHODS}
    methods[_STREAM] = _stream(door)
    return grpc.method_handlers_generic_handler(_SERVICE, methods)


def _unary(door: Door, name: str) -> grpc.RpcMethodHandler:
    async def served(request: Any, context: Any) -> Any:
        visit = Visit()
        try:
            response = await _answered(door, name, request, context, visit)
            visit.code = grpc.StatusCode.OK
        except Exception as error:  # noqa: BLE001  # told with a sentence; the log has the rest
            refusal = _refusal(name, error)
            visit.code = refusal[0]
        else:
            return response
        finally:
            door.visits.ended(visit, name)
        return await context.abort(*refusal)

    return grpc.unary_unary_rpc_method_handler(
        served,
        request_deserializer=_reader(f"{name}Request"),
        response_serializer=MESSAGES[f"{name}Response"].SerializeToString,
    )


async def _answered(door: Door, name: str, request: Any, context: Any, visit: Visit) -> Any:
    """Let a call in, if it may come and there is room for it, and answer it."""
    shown: Mapping[str, Any] = dict(context.invocation_metadata() or ())
    if name not in PUBLIC:
        visit.caller = door.keys.caller(shown.get("authorization", ""), shown.get("x-api-key", ""))
    call = Call(door, _whole(request), visit)
    if name not in _ASKING:
        return await METHODS[name](call)
    visit.wish = _wish(shown, context.time_remaining())
    n_held, n_bytes = 0, request.ByteSize()
    door.room.enter()
    try:
        door.room.hold(n_bytes)
        n_held = n_bytes
        return await model_infer(call)
    finally:
        door.room.leave(n_held)
        if visit.lowered_to:
            context.set_trailing_metadata(((PRIORITY, visit.lowered_to),))


def _wish(shown: Mapping[str, Any], remaining_s: float | None) -> Wish:
    """What metadata and the deadline of gRPC say of a call's urgency."""
    wish = read_wish(*map(shown.get, (PRIORITY, TIMEOUT, "cache-control")))
    if remaining_s is None or not isfinite(remaining_s):
        return wish
    limits = [remaining_s] if wish.timeout_s is None else [remaining_s, wish.timeout_s]
    return replace(wish, timeout_s=min(limits))


def _stream(door: Door) -> grpc.RpcMethodHandler:
    async def served(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for request in requests:
            yield await _streamed(door, request, context)

    return grpc.stream_stream_rpc_method_handler(
        served,
        request_deserializer=_reader("ModelInferRequest"),
        response_serializer=MESSAGES["ModelStreamInferResponse"].SerializeToString,
    )


async def _streamed(door: Door, request: Any, context: Any) -> Any:
    """Answer one request of a stream; an error ends its request, and not the stream."""
    response, visit = MESSAGES["ModelStreamInferResponse"], Visit()
    try:
        found = response(infer_response=await _answered(door, _STREAM, request, context, visit))
        visit.code = grpc.StatusCode.OK
    except Exception as error:  # noqa: BLE001  # told with a sentence; the log has the rest
        visit.code, message, _ = _refusal(_STREAM, error)
    else:
        return found
    finally:
        door.visits.ended(visit, _STREAM)
    named = MESSAGES["ModelInferResponse"]()
    if request is not None:
        named = MESSAGES["ModelInferResponse"](id=request.id, model_name=request.model_name)
    return response(error_message=message, infer_response=named)


def _reader(name: str) -> Callable[[bytes], Any]:
    """Reads a message; None for what is none, since gRPC logs whatever is raised here."""
    parse = MESSAGES[name].FromString

    def read(content: bytes) -> Any:
        try:
            return parse(content)
        except DecodeError:
            return None

    return read


def _whole(request: Any) -> Any:
    if request is None:
        raise MalformedRequest("the bytes that were sent are no message of this method")
    return request


def _refusal(name: str, error: Exception) -> tuple[grpc.StatusCode, str, Metadata]:
    """How an error is told; one that nobody foresaw is logged."""
    if isinstance(error, ServingError):
        return code_of(type(error)), str(error)[:_MAX_MESSAGE], _when_to_come_back(error)
    if isinstance(error, Unsupported):
        return grpc.StatusCode.UNIMPLEMENTED, str(error), ()
    _log.error("%s failed", name, exc_info=error)
    return grpc.StatusCode.INTERNAL, "the server failed on this request; its log says more", ()


def _when_to_come_back(error: ServingError) -> Metadata:
    """In whole seconds for people and gateways, in milliseconds for the clients of gRPC."""
    seconds = getattr(error, "retry_after_s", None)
    if seconds is None:
        return ()
    return (
        ("retry-after", str(max(1, ceil(seconds)))),
        ("grpc-retry-pushback-ms", str(max(1, ceil(seconds * 1e3)))),
    )
