"""What the predicting routes have in common: their limits and their errors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from goldcrest.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    Draining,
    EmptyInput,
    EngineFailed,
    EngineHung,
    InputTooLong,
    InvalidRequest,
    Loading,
    MalformedRequest,
    Overloaded,
    ServingError,
    TooManyCharacters,
    TooManyItems,
    TooManyTokens,
    UnknownModel,
    Unloaded,
    UnsupportedTask,
)
from goldcrest.values import EncodeOptions, Item

PREDICT_ERRORS: tuple[type[ServingError], ...] = (
    MalformedRequest,
    InvalidRequest,
    EmptyInput,
    InputTooLong,
    TooManyItems,
    TooManyCharacters,
    TooManyTokens,
    BodyTooLarge,
    UnknownModel,
    UnsupportedTask,
    Overloaded,
    DeadlineExceeded,
    Loading,
    Unloaded,
    Draining,
    EngineFailed,
    EngineHung,
)


def checked(items: Sequence[Item], *, limit: int, n_parts: int = 1) -> Sequence[Item]:
    """Return the items if there are some, and not too many.

    Raises:
        EmptyInput: the list is empty.
        TooManyItems: it is longer than ``limit``, each item counted as ``n_parts``.
    """
    if not items:
        raise EmptyInput("the request holds no text; send at least one")
    if len(items) * n_parts > limit:
        raise TooManyItems(len(items) * n_parts, limit)
    return items


@lru_cache(maxsize=256)  # most requests ask for the same
def encode_options(max_length: int | None, *, truncate: bool) -> EncodeOptions:
    """Say in the service's words how long an item may be and what happens to a longer one."""
    return EncodeOptions(max_length, overflow="truncate" if truncate else "reject")
