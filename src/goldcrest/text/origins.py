"""Where the tokens of an encoding came from, in arrays; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from goldcrest.text.cutting import SPECIAL
from goldcrest.values import Ints, Origins


def origins_of(raw: Any) -> Origins:
    """What the library tells of its own encoding."""
    return Origins(
        np.array(raw.offsets, np.int32).reshape(-1, 2),
        numbered(raw.word_ids),
        numbered(raw.sequence_ids),
    )


def origins_of_ids(ids: Ints, special: Sequence[int]) -> Origins:
    """Ids come from no text, so each counts as a word, and none has a place.

    Args:
        ids: as they were given.
        special: the ids of special tokens, which are of no text.
    """
    is_special = np.isin(ids, special)
    words = np.arange(len(ids), dtype=np.int32)
    return Origins(
        np.zeros((len(ids), 2), np.int32),
        np.where(is_special, SPECIAL, words).astype(np.int32),
        np.where(is_special, SPECIAL, 0).astype(np.int32),
    )


def numbered(found: Sequence[int | None]) -> Ints:
    """Numbers of texts or words; `SPECIAL` for tokens that are of none."""
    return np.array([SPECIAL if one is None else one for one in found], np.int32)
