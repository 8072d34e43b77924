"""A row of the table at work: an ASGI application for one path."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from goldcrest.errors import Draining, InvalidRequest, MalformedRequest, ServingError
from goldcrest.serving.keys import Keys
from goldcrest.web.connection import CallerGone, read_body
from goldcrest.web.endpoint import Call, Door, Endpoint
from goldcrest.web.response import INTERNAL, Fault, Header, Problems, Response, refusal, told
from goldcrest.web.visits import GONE, Visit, path_of

_log = logging.getLogger("goldcrest.web")
_encode = msgspec.json.Encoder().encode
_ID = b"x-request-id"
_MAX_ID_BYTES = 128
_NO_PARAMETERS: Mapping[str, str] = {}


class Served:
    """A row at work."""

    def __init__(self, endpoint: Endpoint, door: Door) -> None:
        self.endpoint = endpoint
        self._call, self._door, self._problem = endpoint.call, door, endpoint.problem
        self._has_body = endpoint.request is not None
        self._is_guarded = bool(door.keys) and not endpoint.is_public
        is_raw = endpoint.request in (None, bytes)
        self._decoder = None if is_raw else msgspec.json.Decoder(endpoint.request)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = Visit()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        asked = _asked_id(headers)
        status = GONE
        try:
            response = await self._respond(visit, scope, headers, receive)
            status = response.status
            await response.send(send, asked)
        except CallerGone:
            pass
        finally:
            self._door.visits.ended(visit, scope, route=self.endpoint.path, status=status)

    async def _respond(
        self, visit: Visit, scope: Scope, headers: dict[bytes, bytes], receive: Receive
    ) -> Response:
        """Answer, or say in the protocol's shape why not."""
        try:
            return await self._answered(visit, scope, headers, receive)
        except ServingError as error:
            return refusal(error, self._problem)
        except asyncio.CancelledError:
            if not self._door.service.is_draining:
                raise
            cut = Draining("the server shut down before the answer was ready")
            return refusal(cut, self._problem)
        except CallerGone:
            raise
        except Exception:  # noqa: BLE001  # the caller gets a sentence, the log the traceback
            return _internal(path_of(scope), headers, self._problem)

    async def _answered(
        self, visit: Visit, scope: Scope, headers: dict[bytes, bytes], receive: Receive
    ) -> Response:
        door = self._door
        if self._is_guarded:
            visit.caller = _caller(headers, door.keys)
        body: Any = None
        if self._has_body:
            body = await read_body(headers, receive, limit=door.config.max_body_bytes)
            body = body if self._decoder is None else self._decoded(body)
        path = scope.get("path_params") or _NO_PARAMETERS
        work = self._call(Call(door, body, path, headers, visit))
        reply = await (door.attendance.attended(work, receive) if self._has_body else work)
        return reply if isinstance(reply, Response) else Response(_encode(reply))

    def _decoded(self, body: bytes) -> Any:
        assert self._decoder is not None  # noqa: S101  # only called where there is a body
        try:
            return self._decoder.decode(body)
        except msgspec.ValidationError as error:
            raise InvalidRequest(f"the request is not of the shape asked for: {error}") from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedRequest(f"the body is not valid JSON: {error}") from error


def _caller(headers: Mapping[bytes, bytes], keys: Keys) -> str:
    shown = (headers.get(name, b"").decode("latin-1") for name in (b"authorization", b"x-api-key"))
    return keys.caller(*shown)


def _asked_id(headers: Mapping[bytes, bytes]) -> tuple[Header, ...]:
    """Return the caller's own name for the request, to be sent back."""
    value = headers.get(_ID)
    if value is None or len(value) > _MAX_ID_BYTES or not value.isascii():
        return ()
    return ((_ID, value),)


def _internal(path: str, headers: Mapping[bytes, bytes], problem: Problems) -> Response:
    """Log the exception that is being handled, once, under an id that the caller gets too."""
    asked = _asked_id(headers)
    own: tuple[Header, ...] = () if asked else ((_ID, uuid.uuid4().hex.encode()),)
    request_id = (asked or own)[0][1].decode()
    _log.exception("request %s on %s failed", request_id, path)
    message = f"the server failed on this request; its log says more under {request_id}"
    return told(Fault(500, INTERNAL, message), problem, headers=own)
