"""Which tokens of an item stay together, where it is longer than allowed; pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from goldcrest.values import Ints

Bounds = tuple[int, int]
"""The first token of a window, and the last one plus one."""

SPECIAL = -1
"""The text number of a special token, which belongs to no text."""


def shortened(texts: Ints, limit: int) -> Ints:
    """The places of the tokens that stay when an item is cut to ``limit``.

    The texts lose tokens at their right ends, as `share_room` says.

    Args:
        texts: which text each token is of, or `SPECIAL`; those always stay.
        limit: more than there are special tokens, fewer than there are tokens.
    """
    kept = texts == SPECIAL
    first, second = np.flatnonzero(texts == 0), np.flatnonzero(texts == 1)
    shares = share_room(len(first), len(second), limit - int(kept.sum()))
    for tokens, share in zip((first, second), shares, strict=True):
        kept[tokens[:share]] = True
    return places_of(kept)


def share_room(n_first: int, n_second: int, room: int) -> tuple[int, int]:
    """How many tokens of each text of a pair fit: the longer one is cut first, then both.

    An odd token goes to the longer text, and to the second of two that are equally long.
    """
    if n_second == 0:
        return min(n_first, room), 0
    short, long = sorted((n_first, n_second))
    if 2 * short > room:
        short = room // 2
    long = min(long, room - short)
    return (long, short) if n_first > n_second else (short, long)


def window_bounds(n_tokens: int, *, room: int, stride: int) -> list[Bounds]:
    """Where windows begin and end among tokens; the last one is the first that reaches the end.

    Args:
        n_tokens: at least one.
        room: tokens per window.
        stride: tokens that neighbouring windows share; less than ``room``.
    """
    starts = range(0, max(n_tokens - stride, 1), room - stride)
    return [(start, min(start + room, n_tokens)) for start in starts]


def n_in_windows(n_tokens: int, *, room: int, stride: int) -> int:
    """How many tokens all those windows have together, without listing them."""
    starts = range(0, max(n_tokens - stride, 1), room - stride)
    return (len(starts) - 1) * room + min(room, n_tokens - starts[-1])


def spread(moving: Ints, others: Ints, bounds: Sequence[Bounds]) -> list[Ints]:
    """The places of the tokens of each window of an item.

    Args:
        moving: places of the tokens that are shared out among the windows, one after the other.
        others: places of the tokens that every window repeats, before and after those.
        bounds: which of the moving tokens each window has.
    """
    before, after = others[others < moving[0]], others[others > moving[-1]]
    return [np.concatenate([before, moving[start:stop], after]) for start, stop in bounds]


def best_windows(places: Ints, moving: Ints, bounds: Sequence[Bounds]) -> Ints:
    """For each place, the window in which it lies farthest from both ends.

    Of windows that are equally good the first counts, so the order of places is kept; places that
    every window repeats are the first window's.
    """
    first = np.array([moving[start] for start, _ in bounds])
    last = np.array([moving[stop - 1] for _, stop in bounds])
    # one place after the other: all at once would take memory for each pair with a window
    return np.array(
        [np.minimum(place - first, last - place).argmax() for place in places], np.int32
    )


def places_of(kept: NDArray[np.bool_]) -> Ints:
    """Where something is true."""
    return np.flatnonzero(kept).astype(np.int32)
