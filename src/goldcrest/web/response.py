"""What is sent back, and which error is sent as what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import msgspec
from starlette.types import Send

from goldcrest.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    InvalidRequest,
    MalformedRequest,
    NotServed,
    Overloaded,
    ServingError,
    Unavailable,
)

JSON = b"application/json"
INTERNAL = "internal"
STATUS: Mapping[type[ServingError], int] = {
    ServingError: 500,
    InvalidRequest: 422,
    MalformedRequest: 400,
    BodyTooLarge: 413,
    NotServed: 404,
    Overloaded: 429,
    DeadlineExceeded: 504,
    Unavailable: 503,
}
"""An error has the status of the nearest of its ancestors that is listed."""

Header = tuple[bytes, bytes]
_encode = msgspec.json.Encoder().encode


class Problem(msgspec.Struct, frozen=True):
    """What went wrong: a stable code and a sentence."""

    code: str
    message: str


class ErrorReply(msgspec.Struct, frozen=True):
    """The body of every answer that is not a success."""

    error: Problem


@dataclass(frozen=True, slots=True)
class Response:
    """Status, headers beside type and length, and body."""

    body: bytes
    status: int = 200
    media_type: bytes = JSON
    headers: tuple[Header, ...] = ()

    async def send(self, send: Send, extra: tuple[Header, ...] = ()) -> None:
        """Write it out, with the headers that this request adds."""
        await send(
            {
                "type": "http.response.start",
                "status": self.status,
                "headers": [
                    (b"content-type", self.media_type),
                    (b"content-length", b"%d" % len(self.body)),
                    *self.headers,
                    *extra,
                ],
            }
        )
        await send({"type": "http.response.body", "body": self.body})


def status_of(kind: type[ServingError]) -> int:
    """Return the HTTP status of an error class."""
    return next(STATUS[ancestor] for ancestor in kind.__mro__ if ancestor in STATUS)


def refusal(error: ServingError) -> Response:
    """Turn an error into the response that says so."""
    return problem(status_of(type(error)), error.code, str(error), headers=_retry_after(error))


def problem(status: int, code: str, message: str, *, headers: tuple[Header, ...] = ()) -> Response:
    """Return a response whose body names a code and says a sentence."""
    return Response(_encode(ErrorReply(Problem(code, message))), status, headers=headers)


def _retry_after(error: ServingError) -> tuple[Header, ...]:
    if not isinstance(error, (Overloaded, Unavailable)):
        return ()
    seconds = max(1, ceil(getattr(error, "retry_after_s", 1.0)))
    return ((b"retry-after", b"%d" % seconds),)
