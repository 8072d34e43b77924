"""Which error is sent as which code."""

from __future__ import annotations

from collections.abc import Mapping

from grpc import StatusCode

from goldcrest.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    EngineHung,
    Forbidden,
    InvalidRequest,
    NotServed,
    Overloaded,
    ServingError,
    Unauthorized,
    Unavailable,
    UnsupportedTask,
)

CODES: Mapping[type[ServingError], StatusCode] = {
    ServingError: StatusCode.INTERNAL,
    InvalidRequest: StatusCode.INVALID_ARGUMENT,
    BodyTooLarge: StatusCode.RESOURCE_EXHAUSTED,
    Unauthorized: StatusCode.UNAUTHENTICATED,
    Forbidden: StatusCode.PERMISSION_DENIED,
    NotServed: StatusCode.NOT_FOUND,
    UnsupportedTask: StatusCode.UNIMPLEMENTED,
    Overloaded: StatusCode.RESOURCE_EXHAUSTED,
    DeadlineExceeded: StatusCode.DEADLINE_EXCEEDED,
    Unavailable: StatusCode.UNAVAILABLE,
    EngineHung: StatusCode.UNAVAILABLE,
}
"""An error has the code of the nearest of its ancestors that is listed."""


def code_of(kind: type[ServingError]) -> StatusCode:
    """Return the code of an error class."""
    return next(CODES[ancestor] for ancestor in kind.__mro__ if ancestor in CODES)
