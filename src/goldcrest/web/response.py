"""What is sent back, and which error is sent as what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import msgspec
from starlette.types import Send

from goldcrest.errors import (
    BodyTooLarge,
    BodyTooSlow,
    DeadlineExceeded,
    EngineHung,
    Forbidden,
    InvalidRequest,
    MalformedRequest,
    NotServed,
    Overloaded,
    ServingError,
    Unauthorized,
    Unavailable,
)

JSON = b"application/json"
INTERNAL = "internal"
STATUS: Mapping[type[ServingError], int] = {
    ServingError: 500,
    InvalidRequest: 422,
    MalformedRequest: 400,
    BodyTooSlow: 408,
    BodyTooLarge: 413,
    Unauthorized: 401,
    Forbidden: 403,
    NotServed: 404,
    Overloaded: 429,
    DeadlineExceeded: 504,
    Unavailable: 503,
    EngineHung: 503,
}
"""An error has the status of the nearest of its ancestors that is listed."""

Header = tuple[bytes, bytes]
Buffer = bytes | memoryview
_encode = msgspec.json.Encoder().encode


class Problem(msgspec.Struct, frozen=True):
    """What went wrong: a stable code and a sentence."""

    code: str
    message: str


class ErrorReply(msgspec.Struct, frozen=True):
    """The body of every answer that is not a success."""

    error: Problem


@dataclass(frozen=True, slots=True)
class Fault:
    """What is told of an error, before a protocol gives it a shape.

    Attributes:
        code: stable, such as "input_too_long"; "internal" for what was not foreseen.
        message: a sentence.
        error: what was raised; None for what was not foreseen, or where no route fits.
    """

    status: int
    code: str
    message: str
    error: ServingError | None = None


@dataclass(frozen=True, slots=True)
class Problems:
    """How a protocol tells of errors.

    Attributes:
        reply: the type of the body, for the description.
        write: makes the body, a value of that type.
        statuses: where they differ from ``STATUS``; looked up in the same way, before it.
    """

    reply: type[msgspec.Struct]
    write: Callable[[Fault], Any]
    statuses: Mapping[type[ServingError], int] = field(default_factory=dict)

    def status_of(self, kind: type[ServingError]) -> int:
        """Return the HTTP status of an error class."""
        known = {**STATUS, **self.statuses}
        return next(known[ancestor] for ancestor in kind.__mro__ if ancestor in known)


OURS = Problems(ErrorReply, lambda fault: ErrorReply(Problem(fault.code, fault.message)))
"""The shape of our own routes."""


class Response(msgspec.Struct, frozen=True):
    """Status, headers beside type and length, and body; a struct: one is made for every request.

    Attributes:
        body: a tuple of buffers is sent one after the other, without a copy.
    """

    body: bytes | tuple[Buffer, ...]
    status: int = 200
    media_type: bytes = JSON
    headers: tuple[Header, ...] = ()

    @property
    def n_bytes(self) -> int:
        """Of the body."""
        body = self.body
        if isinstance(body, bytes):
            return len(body)
        return sum([part.nbytes if isinstance(part, memoryview) else len(part) for part in body])

    async def send(self, send: Send, extra: tuple[Header, ...] = ()) -> None:
        """Write it out, with the headers that this request adds."""
        body = self.body
        if isinstance(body, tuple):
            await self._send_parts(send, extra, [memoryview(part).cast("B") for part in body])
        else:
            await send(self._start(len(body), extra))
            await send({"type": "http.response.body", "body": body})

    async def _send_parts(
        self, send: Send, extra: tuple[Header, ...], parts: list[memoryview]
    ) -> None:
        await send(self._start(sum(map(len, parts)), extra))
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def _start(self, n_bytes: int, extra: tuple[Header, ...]) -> dict[str, Any]:
        return {
            "type": "http.response.start",
            "status": self.status,
            "headers": [
                (b"content-type", self.media_type),
                (b"content-length", b"%d" % n_bytes),
                *self.headers,
                *extra,
            ],
        }


def status_of(kind: type[ServingError]) -> int:
    """Return the HTTP status of an error class on our own routes."""
    return OURS.status_of(kind)


def refusal(error: ServingError, problems: Problems = OURS) -> Response:
    """Turn an error into the response that says so."""
    status = problems.status_of(type(error))
    return told(Fault(status, error.code, str(error), error), problems, headers=_headers(error))


def told(fault: Fault, problems: Problems = OURS, *, headers: tuple[Header, ...] = ()) -> Response:
    """Return a response that tells of a fault in a protocol's shape."""
    return Response(_encode(problems.write(fault)), fault.status, headers=headers)


def _headers(error: ServingError) -> tuple[Header, ...]:
    if isinstance(error, Unauthorized):
        return ((b"www-authenticate", b"Bearer"),)
    if isinstance(error, BodyTooSlow):  # what still comes of it would be taken for a request
        return ((b"connection", b"close"),)
    retry_after_s: float | None = getattr(error, "retry_after_s", None)
    if retry_after_s is None:
        return ()
    return ((b"retry-after", b"%d" % max(1, ceil(retry_after_s))),)
