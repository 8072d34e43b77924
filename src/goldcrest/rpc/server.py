"""The gRPC door: in the event loop of the HTTP door, beside it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
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

_log = logging.getLogger("goldcrest.rpc")
_SERVICE = f"{INFERENCE}.GRPCInferenceService"
_MAX_MESSAGE = 600
"""Characters of an error: it travels in a header, and clients drop those of more than 8 KiB."""
_GRACE_S = 1.0
"""How long answers may take to be written once nothing is left to work on."""

Metadata = tuple[tuple[str, str], ...]


@asynccontextmanager
async def listening(config: RpcConfig, door: Door) -> AsyncIterator[int]:
    """Answer while the context lasts; gives the port.

    Whoever ends it has drained the service: what still runs then has a second to be written.

    Args:
        config: where to listen; port 0 is any free one here.
        door: what the methods stand on.

    Raises:
        ConfigError: the address cannot be listened on.
    """
    server = grpc.aio.server(
        options=[
            ("grpc.so_reuseport", 0),  # a port that is taken is an error
            ("grpc.max_receive_message_length", config.max_message_bytes),
            ("grpc.max_send_message_length", -1),
        ]
    )
    server.add_generic_rpc_handlers((_handlers(door), Health(door.service).handlers()))
    port = _listen(server, config)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(_GRACE_S)


def _listen(server: grpc.aio.Server, config: RpcConfig) -> int:
    host = f"[{config.host}]" if ":" in config.host else config.host
    try:
        port: int = server.add_insecure_port(f"{host}:{config.port}")
    except RuntimeError as error:
        raise ConfigError(f"cannot listen on {config.host} port {config.port} for gRPC") from error
    return port


def _handlers(door: Door) -> grpc.GenericRpcHandler:
    methods = {name: _unary(door, name) for name in METHODS}
    methods["ModelStreamInfer"] = _stream(door)
    return grpc.method_handlers_generic_handler(_SERVICE, methods)


def _unary(door: Door, name: str) -> grpc.RpcMethodHandler:
    method = METHODS[name]

    async def served(request: Any, context: Any) -> Any:
        try:
            return await method(_call(door, _whole(request), context, is_public=name in PUBLIC))
        except Exception as error:  # noqa: BLE001  # told with a sentence; the log has the rest
            refusal = _refusal(name, error)
        return await context.abort(*refusal)

    return grpc.unary_unary_rpc_method_handler(
        served,
        request_deserializer=_reader(f"{name}Request"),
        response_serializer=MESSAGES[f"{name}Response"].SerializeToString,
    )


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
    response = MESSAGES["ModelStreamInferResponse"]
    try:
        call = _call(door, _whole(request), context, is_public=False)
        return response(infer_response=await model_infer(call))
    except Exception as error:  # noqa: BLE001  # told with a sentence; the log has the rest
        _, message, _ = _refusal("ModelStreamInfer", error)
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


def _call(door: Door, request: Any, context: Any, *, is_public: bool) -> Call:
    caller = ""
    if not is_public:
        shown = dict(context.invocation_metadata() or ())
        caller = door.keys.caller(shown.get("authorization", ""), shown.get("x-api-key", ""))
    remaining = context.time_remaining()
    is_bounded = remaining is not None and isfinite(remaining)
    return Call(door, request, caller, remaining if is_bounded else None)


def _refusal(name: str, error: Exception) -> tuple[grpc.StatusCode, str, Metadata]:
    """How an error is told; one that nobody foresaw is logged."""
    if isinstance(error, ServingError):
        seconds = getattr(error, "retry_after_s", None)
        later = (("retry-after", str(max(1, ceil(seconds)))),) if seconds is not None else ()
        return code_of(type(error)), str(error)[:_MAX_MESSAGE], later
    if isinstance(error, Unsupported):
        return grpc.StatusCode.UNIMPLEMENTED, str(error), ()
    _log.error("%s failed", name, exc_info=error)
    return grpc.StatusCode.INTERNAL, "the server failed on this request; its log says more", ()
