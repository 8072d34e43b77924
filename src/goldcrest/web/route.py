"""A row of the table at work: an ASGI application for one path."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

import msgspec
from starlette.types import Message, Receive, Scope, Send

from goldcrest.errors import (
    DeadlineExceeded,
    Draining,
    InvalidRequest,
    MalformedRequest,
    ServingError,
)
from goldcrest.serving.keys import Keys
from goldcrest.serving.urgency import NO_WISH, PRIORITY, TIMEOUT, Wish, read_wish
from goldcrest.web.connection import CallerGone, declared_bytes, read_body
from goldcrest.web.endpoint import Call, Door, Endpoint
from goldcrest.web.response import INTERNAL, Fault, Header, Problems, Response, refusal, told
from goldcrest.web.visits import ARRIVED, GONE, LET_IN, WHOLE, Visit, path_of

T = TypeVar("T")

_log = logging.getLogger("goldcrest.web")
_encode = msgspec.json.Encoder().encode
_ID = b"x-request-id"
_TIMED = b"x-goldcrest-timing"
_PRIORITY = PRIORITY.encode()
_URGENCY = (_PRIORITY, TIMEOUT.encode(), b"cache-control")
_NOTHING = [None] * len(_URGENCY)
_MAX_ID_BYTES = 128
_LONG = 65_536
"""Bytes of a body that are worth a look whether any work is taken, before they are read."""
_NO_PARAMETERS: Mapping[str, str] = {}


class Served:
    """A row at work."""

    def __init__(self, endpoint: Endpoint, door: Door) -> None:
        self.endpoint = endpoint
        self._call, self._door, self._problem = endpoint.call, door, endpoint.problem
        self._has_body = endpoint.request is not None
        self._can_be_urgent = endpoint.can_be_urgent
        self._is_guarded = bool(door.keys) and not endpoint.is_public
        is_raw = endpoint.request in (None, bytes)
        self._decoder = None if is_raw else msgspec.json.Decoder(endpoint.request)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = Visit(scope.get(ARRIVED))
        visit.is_in = LET_IN in scope
        headers: dict[bytes, bytes] = dict(scope["headers"])
        status = GONE
        try:
            response = await self._respond(visit, scope, headers, receive)
            status = response.status
            await response.send(send, self._extra(visit, headers))
        except CallerGone:
            pass
        finally:
            if visit.is_in:
                self._door.room.leave(visit.n_bytes)
            self._door.visits.ended(visit, scope, route=self.endpoint.path, status=status)

    def let_in(self, scope: Scope) -> Response | None:
        """Take a request in before its turn comes, or give what it is answered instead.

        So what there is no room for costs next to nothing, and is told so at once, as is whether
        the server is well: that waits for none of the requests that came before it.
        """
        room, visit = self._door.room, Visit(scope.get(ARRIVED))
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if self.endpoint.is_instant:
            response = finished(self._respond(visit, scope, headers, _no_body))
        elif not self._has_body:
            return None
        elif room.is_full:
            response = refusal(room.refusal(), self._problem)
        else:
            room.enter()
            scope[LET_IN] = True
            return None
        return self._at_the_door(visit, scope, headers, response)

    def turn_away(self, scope: Scope) -> Response | None:
        """Refuse a request that was let in, before its turn came; None for what brings no work."""
        if LET_IN not in scope:
            return None
        visit = Visit(scope.get(ARRIVED))
        response = refusal(self._door.room.turn_away(visit.seconds), self._problem)
        return self._at_the_door(visit, scope, dict(scope["headers"]), response)

    def _at_the_door(
        self, visit: Visit, scope: Scope, headers: Mapping[bytes, bytes], response: Response
    ) -> Response:
        """Count what is answered without a task, and give it the headers that were asked for."""
        self._door.visits.ended(visit, scope, route=self.endpoint.path, status=response.status)
        extra = self._extra(visit, headers)
        return msgspec.structs.replace(response, headers=(*response.headers, *extra))

    def _extra(self, visit: Visit, headers: Mapping[bytes, bytes]) -> tuple[Header, ...]:
        """The headers of an answer that its request asks for."""
        extra = _asked_id(headers)
        if visit.lowered_to:
            extra += ((_PRIORITY, visit.lowered_to.encode()),)
        if self._door.config.server_timing or _TIMED in headers:
            extra += ((b"server-timing", b"total;dur=%.3f" % (visit.seconds * 1e3)),)
        return extra

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
        path = scope.get("path_params") or _NO_PARAMETERS
        if not self._has_body:
            reply = await self._call(Call(door, None, path, headers, visit))
            return reply if isinstance(reply, Response) else Response(_encode(reply))
        if self._can_be_urgent:
            visit.wish = _wish(headers)
        content = await self._body(visit, scope, headers, receive)
        body = content if self._decoder is None else self._decoded(content)
        work = self._call(Call(door, body, path, headers, visit))
        reply = await door.attendance.attended(work, receive)
        response = reply if isinstance(reply, Response) else Response(_encode(reply))
        n_bytes = response.n_bytes
        door.room.keep(n_bytes)
        visit.n_bytes += n_bytes
        return response

    async def _body(
        self, visit: Visit, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive
    ) -> bytes:
        """Read the body, if there is room for it, and no longer than anybody wants the answer."""
        door, n_declared = self._door, declared_bytes(headers)
        if not visit.is_in:
            door.room.enter()
            visit.is_in = True
        limit, limit_s = door.config.max_body_bytes, visit.wish.timeout_s
        if n_declared <= limit:  # else there will never be room for it
            door.room.check(n_declared)
        if n_declared > _LONG:
            door.service.check()  # again later: what is short is read first, and so counted
        reading = read_body(receive, visit, door.room, n_declared=n_declared, limit=limit)
        if WHOLE in scope:
            return await reading  # which waits for nothing
        if limit_s is None:
            return await door.patience.kept(reading)
        try:
            async with asyncio.timeout(limit_s - visit.seconds):
                return await door.patience.kept(reading)
        except TimeoutError as late:
            raise DeadlineExceeded(visit.seconds) from late

    def _decoded(self, body: bytes) -> Any:
        assert self._decoder is not None  # noqa: S101  # only called where there is a body
        try:
            return self._decoder.decode(body)
        except msgspec.ValidationError as error:
            raise InvalidRequest(f"the request is not of the shape asked for: {error}") from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedRequest(f"the body is not valid JSON: {error}") from error


def finished(work: Coroutine[Any, Any, T]) -> T:
    """The result of what waits for nothing.

    Raises:
        RuntimeError: it did.
    """
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise RuntimeError("an answer that nothing holds up was held up")


async def _no_body() -> Message:
    return {"type": "http.request"}


def _caller(headers: Mapping[bytes, bytes], keys: Keys) -> str:
    shown = (headers.get(name, b"").decode("latin-1") for name in (b"authorization", b"x-api-key"))
    return keys.caller(*shown)


def _wish(headers: Mapping[bytes, bytes]) -> Wish:
    """What the headers say of the urgency of a call."""
    given = [headers.get(name) for name in _URGENCY]
    if given == _NOTHING:
        return NO_WISH
    return read_wish(*[None if value is None else value.decode("latin-1") for value in given])


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
