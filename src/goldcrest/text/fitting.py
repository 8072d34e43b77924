"""An item's encoding made to fit a limit: cut at its end, or split into windows; pure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from goldcrest.errors import InputTooLong, InvalidRequest
from goldcrest.text.cutting import best_windows, places_of, shortened, spread, window_bounds
from goldcrest.values import EncodeOptions, Encoding, Ints, Origins


def fit(
    whole: Encoding, texts: Ints, options: EncodeOptions, *, limit: int, moving: int, index: int
) -> tuple[Encoding, ...]:
    """What becomes of an item: itself where it fits, else what the options say.

    Args:
        whole: all its tokens.
        texts: which text each token is of, or `SPECIAL`.
        options: whether it is cut, refused or split; and whether every token is picked in the end.
        limit: tokens that fit.
        moving: the text that is split.
        index: the item's place in its request, for messages.

    Raises:
        InputTooLong: it does not fit and must not be cut.
        InvalidRequest: as `cut` and `windows` do.
    """
    if whole.n_tokens <= limit:
        parts: tuple[Encoding, ...] = (whole,)
    elif options.overflow == "reject":
        raise InputTooLong(whole.n_tokens, limit, index)
    elif options.overflow == "window":
        stride = options.stride
        parts = windows(whole, texts, moving=moving, limit=limit, stride=stride, index=index)
    else:
        parts = (cut(whole, texts, limit=limit, index=index),)
    return tuple(map(_all_picked, parts)) if options.wants_states else parts


def cut(whole: Encoding, texts: Ints, *, limit: int, index: int) -> Encoding:
    """The first tokens of an item, as many as the limit allows.

    Args:
        whole: all its tokens; picks, if any, are those that must not be lost.
        texts: which text each token is of, or `SPECIAL`.
        limit: fewer than there are tokens.
        index: the item's place in its request, for messages.

    Raises:
        InvalidRequest: a pick would be cut off.
    """
    places = shortened(texts, limit)
    if whole.picks is not None:
        n_lost = len(whole.picks) - int(np.isin(whole.picks, places).sum())
        if n_lost:
            raise InvalidRequest(
                f"cutting item {index} to {limit} tokens takes away {n_lost} of its "
                f"{len(whole.picks)} masks; shorten it, or ask for windows"
            )
    return _part(whole, places, whole.picks, n_dropped=whole.n_tokens - len(places))


def windows(
    whole: Encoding, texts: Ints, *, moving: int, limit: int, stride: int | None, index: int
) -> tuple[Encoding, ...]:
    """All tokens of an item, in windows that overlap.

    Where tokens are picked, each is picked in the one window that shows most of its surroundings,
    and windows without any are left out: nothing would be read from them.

    Args:
        whole: all tokens.
        texts: which text each token is of, or `SPECIAL`.
        moving: the text that is split; every window repeats the other tokens.
        limit: tokens per window.
        stride: tokens of that text that neighbours share; None means a quarter of the room.
        index: the item's place in its request, for messages.

    Raises:
        InvalidRequest: the other tokens leave no room, or the stride leaves no progress.
    """
    split, others = places_of(texts == moving), places_of(texts != moving)
    room = limit - len(others)
    if room < 1:
        n_first = int((texts == 0).sum())
        raise InvalidRequest(
            f"the first text of item {index} has {n_first} tokens, which leave no room for the "
            f"second within the limit of {limit}"
        )
    check_stride(stride, room=room, index=index)
    stride = room // 4 if stride is None else stride
    bounds = window_bounds(len(split), room=room, stride=stride)
    parts = spread(split, others, bounds)
    if whole.picks is None:
        return tuple(_part(whole, places, None) for places in parts)
    best = best_windows(whole.picks, split, bounds)
    return tuple(
        _part(whole, parts[number], whole.picks[best == number]) for number in np.unique(best)
    )


def check_stride(stride: int | None, *, room: int, index: int) -> None:
    """Refuse a stride with which a window would begin where the last one did, or before.

    Raises:
        InvalidRequest: names the stride and the room.
    """
    if stride is not None and not 0 <= stride < room:
        raise InvalidRequest(
            f"stride is {stride}, but must be at least 0 and less than {room}, the tokens that a "
            f"window of item {index} has room for"
        )


def _all_picked(encoding: Encoding) -> Encoding:
    return replace(encoding, picks=np.arange(encoding.n_tokens, dtype=np.int32))


def _part(whole: Encoding, places: Ints, picks: Ints | None, *, n_dropped: int = 0) -> Encoding:
    """Some tokens of an item.

    Args:
        whole: all its tokens.
        places: which of them, in order.
        picks: places in the whole, all of them among ``places``.
        n_dropped: how many of the others are lost.
    """
    origins = whole.origins
    return Encoding(
        whole.ids[places],
        None if whole.token_types is None else whole.token_types[places],
        n_dropped,
        None if picks is None else np.searchsorted(places, picks).astype(np.int32),
        origins and Origins(origins.offsets[places], origins.words[places], origins.texts[places]),
    )
