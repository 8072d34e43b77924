"""One row of the table of routes, and the same row at work.

A row says everything about a route: what is asked, what is answered, which errors may come. The
routes, their OpenAPI description and the reference page are all made from the table.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
from starlette.types import Receive, Scope, Send

from goldcrest.config import WebConfig
from goldcrest.errors import Draining, InvalidRequest, MalformedRequest, ServingError
from goldcrest.metrics import Metrics
from goldcrest.serving.service import Service
from goldcrest.web.connection import CallerGone, attended, read_body
from goldcrest.web.response import INTERNAL, JSON, Header, Response, problem, refusal

_log = logging.getLogger("goldcrest.web")
_encode = msgspec.json.Encoder().encode
_ID = b"x-request-id"
_MAX_ID_BYTES = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What the routes stand on.

    Attributes:
        opened: when the server was made, in seconds since 1970.
    """

    service: Service
    config: WebConfig
    metrics: Metrics
    opened: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A row of the table.

    Attributes:
        summary: one line; the docstring of ``call`` is the description.
        call: answers; returns the reply, or a whole ``Response``.
        reply: the type of the reply, for the description only; None is plain text.
        request: the type of the body, or None where there is none.
        errors: what may go wrong beside an internal error.
        other_statuses: statuses beside 200 that carry the reply too, and when they do.
        example: a body to try.
    """

    path: str
    method: Literal["GET", "POST"]
    tag: str
    summary: str
    call: Callable[[Door, Any], Coroutine[Any, Any, Any]]
    reply: Any
    request: type[msgspec.Struct] | None = None
    errors: tuple[type[ServingError], ...] = ()
    other_statuses: Mapping[int, str] = field(default_factory=dict)
    example: Mapping[str, Any] | None = None
    media_type: str = JSON.decode()


class Served:
    """A row at work: an ASGI application for one path."""

    def __init__(self, endpoint: Endpoint, door: Door) -> None:
        self._call, self._door = endpoint.call, door
        self._decoder = msgspec.json.Decoder(endpoint.request) if endpoint.request else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        asked = _asked_id(headers)
        try:
            response = await self._respond(headers, receive)
        except CallerGone:
            return
        except ServingError as error:
            response = refusal(error)
        except asyncio.CancelledError:
            if not self._door.service.is_draining:
                raise
            response = refusal(Draining("the server shut down before the answer was ready"))
        except Exception:  # noqa: BLE001  # the caller gets a sentence, the log the traceback
            response, asked = _internal(scope["path"], asked)
        await response.send(send, asked)

    async def _respond(self, headers: Mapping[bytes, bytes], receive: Receive) -> Response:
        if self._decoder is None:
            reply = await self._call(self._door, None)
        else:
            body = await read_body(headers, receive, limit=self._door.config.max_body_bytes)
            reply = await attended(self._call(self._door, self._decoded(body)), receive)
        return reply if isinstance(reply, Response) else Response(_encode(reply))

    def _decoded(self, body: bytes) -> Any:
        assert self._decoder is not None  # noqa: S101  # only called where there is a body
        try:
            return self._decoder.decode(body)
        except msgspec.ValidationError as error:
            raise InvalidRequest(f"the request is not of the shape asked for: {error}") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise MalformedRequest(f"the body is not valid JSON: {error}") from error


def _asked_id(headers: Mapping[bytes, bytes]) -> tuple[Header, ...]:
    """Return the caller's own name for the request, to be sent back."""
    value = headers.get(_ID)
    if value is None or len(value) > _MAX_ID_BYTES or not value.isascii():
        return ()
    return ((_ID, value),)


def _internal(path: str, asked: tuple[Header, ...]) -> tuple[Response, tuple[Header, ...]]:
    """Log the exception that is being handled, once, under an id that the caller gets too."""
    named = asked or ((_ID, uuid.uuid4().hex.encode()),)
    request_id = named[0][1].decode()
    _log.exception("request %s on %s failed", request_id, path)
    message = f"the server failed on this request; its log says more under {request_id}"
    return problem(500, INTERNAL, message), named
