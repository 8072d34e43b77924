"""The forms in which several protocols send texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from goldcrest.errors import InvalidRequest
from goldcrest.values import Item

TokenId = Annotated[int, Meta(ge=0, le=2**31 - 1)]


def texts_or_ids(inputs: str | Sequence[str | int | Sequence[int]]) -> list[Item]:
    """Sort out the four forms: a text, texts, the ids of one text, the ids of several.

    Raises:
        InvalidRequest: forms are mixed.
    """
    if isinstance(inputs, str):
        return [inputs]
    kinds = {type(item) for item in inputs}
    if kinds == {int}:
        return [tuple(item for item in inputs if isinstance(item, int))]
    if len(kinds) > 1:
        raise InvalidRequest("the input mixes texts, token ids and lists; send one form alone")
    return [item if isinstance(item, str) else tuple(item) for item in inputs]  # type: ignore[arg-type]  # no int is left
