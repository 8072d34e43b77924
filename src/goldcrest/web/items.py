"""What the predicting routes have in common: their limits and their errors."""

from __future__ import annotations

from collections.abc import Sequence

from goldcrest.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    Draining,
    EmptyInput,
    EngineFailed,
    InputTooLong,
    InvalidRequest,
    Loading,
    MalformedRequest,
    Overloaded,
    ServingError,
    TooManyItems,
    UnknownModel,
    UnsupportedTask,
)
from goldcrest.values import EncodeOptions, Item

PREDICT_ERRORS: tuple[type[ServingError], ...] = (
    MalformedRequest,
    InvalidRequest,
    EmptyInput,
    InputTooLong,
    TooManyItems,
    BodyTooLarge,
    UnknownModel,
    UnsupportedTask,
    Overloaded,
    DeadlineExceeded,
    Loading,
    Draining,
    EngineFailed,
)


def checked(items: Sequence[Item], *, limit: int) -> Sequence[Item]:
    """Return the items if there are some, and not too many.

    Raises:
        EmptyInput: the list is empty.
        TooManyItems: it is longer than ``limit``.
    """
    if not items:
        raise EmptyInput("the request holds no text; send at least one")
    if len(items) > limit:
        raise TooManyItems(len(items), limit)
    return items


def encode_options(max_length: int | None, *, truncate: bool) -> EncodeOptions:
    """Say in the service's words how long an item may be and what happens to a longer one."""
    return EncodeOptions(max_length, overflow="truncate" if truncate else "reject")
