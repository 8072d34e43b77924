"""``grpc.health.v1``: what orchestrators and load balancers ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc

from goldcrest.rpc.messages import HEALTH, INFERENCE, MESSAGES
from goldcrest.serving.service import Service

_UNKNOWN_SERVICE, _SERVING, _NOT_SERVING = 3, 1, 2
_SERVICES = ("", f"{INFERENCE}.GRPCInferenceService")
_LOOK_S = 0.2
"""How often a watched state is looked at."""


class Health:
    """The health of the server as a whole; it has no other parts."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def handlers(self) -> grpc.GenericRpcHandler:
        """The methods of the health service."""
        request, response = MESSAGES["HealthCheckRequest"], MESSAGES["HealthCheckResponse"]
        coding = {
            "request_deserializer": request.FromString,
            "response_serializer": response.SerializeToString,
        }
        return grpc.method_handlers_generic_handler(
            f"{HEALTH}.Health",
            {
                "Check": grpc.unary_unary_rpc_method_handler(self._check, **coding),
                "Watch": grpc.unary_stream_rpc_method_handler(self._watch, **coding),
            },
        )

    async def _check(self, request: Any, context: Any) -> Any:
        if request.service not in _SERVICES:
            await context.abort(
                grpc.StatusCode.NOT_FOUND, f"there is no service {request.service!r}"
            )
        return self._state(request.service)

    async def _watch(self, request: Any, _: Any) -> AsyncIterator[Any]:
        """Tell the state now, and when it changes, until the server drains."""
        told = None
        is_last = False
        while not is_last:
            is_last, state = self._service.is_draining, self._state(request.service)
            if state != told:
                told = state
                yield state
            await asyncio.sleep(0 if is_last else _LOOK_S)

    def _state(self, service: str) -> Any:
        status = _SERVING if self._service.is_ready else _NOT_SERVING
        if service not in _SERVICES:
            status = _UNKNOWN_SERVICE
        return MESSAGES["HealthCheckResponse"](status=status)
