"""The forms in which several protocols send texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from goldcrest.errors import InvalidRequest
from goldcrest.values import Item

TokenId = Annotated[int, Meta(ge=0, le=2**31 - 1)]


def texts_or_ids(inputs: str | Sequence[str | int | Sequence[int]]) -> list[Item]:
    """Sort out the forms: a text, the ids of one text, or several of either.

    Raises:
        InvalidRequest: ids of one text stand beside texts or lists.
    """
    if isinstance(inputs, str):
        return [inputs]
    kinds = {type(item) for item in inputs}
    if kinds == {int}:
        return [tuple(item for item in inputs if isinstance(item, int))]
    if int in kinds:
        raise InvalidRequest("inputs mixes token ids with texts or lists; send one or the other")
    return [item if isinstance(item, str) else tuple(item) for item in inputs]  # type: ignore[arg-type]  # no int is left
