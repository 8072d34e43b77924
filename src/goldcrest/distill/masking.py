"""Which tokens a language model must find: drawn anew for every batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MASKED, _REPLACED = 0.8, 0.1
"""Of the tokens to be found so many are masked and replaced by another; the rest stay (BERT)."""


@dataclass(frozen=True, slots=True)
class Masking:
    """What is masked.

    Attributes:
        mask_id: of the token that stands for one to be found.
        special: ids that are never to be found.
        n_ids: of the vocabulary.
        share: of the other tokens.
        seed: of the draws.
    """

    mask_id: int
    special: tuple[int, ...]
    n_ids: int
    share: float
    seed: int


def masked(
    ids: NDArray[np.int64], is_real: NDArray[np.bool_], how: Masking, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Mask a batch.

    Args:
        ids: *Shape:* ``(n, width)``.
        is_real: of the same shape; False for padding.
        how: what is masked.
        rng: drawn from.

    Returns:
        The ids with masks in them, and where tokens are to be found: at least one.
    """
    open_ = is_real & ~np.isin(ids, how.special)
    picks = open_ & (rng.random(ids.shape) < how.share)
    if not picks.any():
        picks.flat[rng.choice(np.flatnonzero(open_ if open_.any() else is_real))] = True
    drawn = rng.random(ids.shape)
    hidden = np.where(picks & (drawn < _MASKED), how.mask_id, ids)
    replaced = picks & (drawn >= _MASKED) & (drawn < _MASKED + _REPLACED)
    return np.where(replaced, rng.integers(0, how.n_ids, ids.shape), hidden), picks
