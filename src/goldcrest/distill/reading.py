"""Texts as token ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from goldcrest.distill.batches import Indices, Ragged
from goldcrest.evaluate.rows import Row, TextSet, texts_of
from goldcrest.text.vocabulary import parse
from goldcrest.values import Item

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Read:
    """Items as tokens.

    Attributes:
        ids: special tokens included.
        types: 0 for the first text of an item, 1 for its second; None where all are 0.
        cut: *Shape:* ``(n_rows,)``; which items were longer than allowed.
    """

    ids: Ragged
    types: Ragged | None
    cut: NDArray[np.bool_]

    @property
    def n_cut(self) -> int:
        return int(self.cut.sum())


def tokenised(tokenizer: str, items: Sequence[Item], *, max_length: int) -> Read:
    """Cut items into tokens.

    Args:
        tokenizer: the text of a ``tokenizer.json``.
        items: texts or pairs.
        max_length: tokens of an item, special ones included; what is beyond is left out.
    """
    cutter = parse(tokenizer, source="the checkpoint")
    cutter.enable_truncation(max_length)
    ids: list[list[int]] = []
    types: list[list[int]] = []
    cut: list[bool] = []
    for start in range(0, len(items), _AT_ONCE):
        for found in cutter.encode_batch(list(items[start : start + _AT_ONCE])):
            ids.append(found.ids)
            types.append(found.type_ids)
            cut.append(bool(found.overflowing))
    has_pairs = any(any(row) for row in types)
    return Read(Ragged.of(ids), Ragged.of(types) if has_pairs else None, np.array(cut, bool))


def single_texts(part: TextSet) -> TextSet:
    """Every text of a set as a row of its own, without labels."""
    return TextSet(part.name, tuple(Row(text) for row in part.rows for text in texts_of(row.item)))


def counts(ids: Ragged, n_ids: int) -> Indices:
    """How often each token occurs. *Shape:* ``(n_ids,)``."""
    return np.bincount(ids.values, minlength=n_ids)


def agreement(ours: Ragged, theirs: Ragged, table: Indices) -> NDArray[np.bool_]:
    """Which rows two tokenizers cut into the same tokens.

    Args:
        ours: ids of the one.
        theirs: ids of the other.
        table: *Shape:* ``(n_tokens,)``; our id -> theirs, or -1.
    """
    same_length = ours.lengths == theirs.lengths
    rows = np.flatnonzero(same_length)
    agrees = np.zeros(len(ours), np.bool_)
    equal = table[ours.values[ours.places(rows)]] == theirs.values[theirs.places(rows)]
    if len(rows):
        starts = np.concatenate([[0], np.cumsum(ours.lengths[rows])[:-1]])
        agrees[rows] = np.logical_and.reduceat(equal, starts)
    return agrees
