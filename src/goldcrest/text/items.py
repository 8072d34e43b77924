"""What a request may hold: texts, pairs and token ids, told apart and checked; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goldcrest.errors import EmptyInput, InvalidRequest
from goldcrest.values import Item

Text = str | tuple[str, str]
"""An item that is not token ids, as the library takes it."""


def text_of(item: Item) -> Text | None:
    """A text or a pair of texts; None for anything else."""
    if isinstance(item, str):
        return item
    if len(item) == 2 and isinstance(item[0], str) and isinstance(item[1], str):
        return item[0], item[1]
    return None


def broken(texts: Sequence[Text | None], first: int = 0) -> InvalidRequest:
    """What to say of texts of which the library could not read one.

    Args:
        texts: None where an item is no text.
        first: the place of the first one in its request.
    """
    wrong = next((index for index, text in enumerate(texts, first) if _is_broken(text)), first)
    return InvalidRequest(f"item {wrong} holds half a surrogate pair, so it is no valid text")


def checked_ids(item: Sequence[object], *, n_ids: int, index: int) -> NDArray[Any]:
    """Token ids as an array.

    Args:
        item: what is neither a text nor a pair.
        n_ids: one more than the highest id there is.
        index: the item's place in its request.

    Raises:
        EmptyInput: there are none.
        InvalidRequest: they are no ids, or none of this vocabulary.
    """
    try:
        ids = np.array(item)
    except ValueError:  # what it holds are lists of several lengths
        ids = np.array([None])
    if not len(ids):
        raise EmptyInput(f"item {index} holds no token ids")
    if ids.dtype.kind not in "iu" or ids.ndim != 1:
        raise InvalidRequest(
            f"item {index} is neither a text, nor a pair of texts, nor a list of token ids"
        )
    wrong = ids[(ids < 0) | (ids >= n_ids)]
    if len(wrong):
        raise InvalidRequest(
            f"item {index} holds the token id {wrong[0]}; ids go from 0 to {n_ids - 1}"
        )
    return ids


def _is_broken(text: Text | None) -> bool:
    parts = (text,) if isinstance(text, str) else text or ()
    try:
        "".join(parts).encode()
    except UnicodeEncodeError:
        return True
    return False
