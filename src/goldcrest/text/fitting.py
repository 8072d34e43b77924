"""An item's encoding made to fit a limit: cut at its end, or split into windows; pure."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

import numpy as np

from goldcrest.errors import InputTooLong, InvalidRequest, TooManyTokens
from goldcrest.text.cutting import (
    best_windows,
    n_in_windows,
    places_of,
    shortened,
    spread,
    window_bounds,
)
from goldcrest.values import EncodeOptions, Encoding, Ints, Origins


@dataclass(slots=True)
class Allowance:
    """What the windows of one request may come to: neighbours that share much make many.

    Attributes:
        limit: tokens of all windows together.
        n_taken: those of the windows so far.
    """

    limit: int = sys.maxsize
    n_taken: int = 0

    def take(self, n_tokens: int) -> None:
        """Count an item's windows before they are made.

        Raises:
            TooManyTokens: they are more than is left.
        """
        self.n_taken += n_tokens
        if self.n_taken > self.limit:
            raise TooManyTokens(self.n_taken, self.limit)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item stands in its request.

    Attributes:
        index: for messages.
        allowance: what the windows of the request may come to.
    """

    index: int
    allowance: Allowance


def fit(
    whole: Encoding,
    texts: Ints,
    options: EncodeOptions,
    place: Place,
    *,
    limit: int,
    moving: int,
) -> tuple[Encoding, ...]:
    """What becomes of an item: itself where it fits, else what the options say.

    Args:
        whole: all its tokens.
        texts: which text each token is of, or `SPECIAL`.
        options: whether it is cut, refused or split; and whether every token is picked in the end.
        place: of the item in its request.
        limit: tokens that fit.
        moving: the text that is split.

    Raises:
        InputTooLong: it does not fit and must not be cut.
        InvalidRequest: as `cut` and `windows` do.
        TooManyTokens: its windows would have more tokens than are allowed.
    """
    if whole.n_tokens <= limit:
        parts: tuple[Encoding, ...] = (whole,)
    elif options.overflow == "reject":
        raise InputTooLong(whole.n_tokens, limit, place.index)
    elif options.overflow == "window":
        parts = windows(whole, texts, place, moving=moving, limit=limit, stride=options.stride)
    else:
        parts = (cut(whole, texts, limit=limit, index=place.index),)
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
    whole: Encoding, texts: Ints, place: Place, *, moving: int, limit: int, stride: int | None
) -> tuple[Encoding, ...]:
    """All tokens of an item, in windows that overlap.

    Where tokens are picked, each is picked in the one window that shows most of its surroundings,
    and windows without any are left out: nothing would be read from them.

    Args:
        whole: all tokens.
        texts: which text each token is of, or `SPECIAL`.
        place: of the item in its request; its windows are counted where all of them are kept.
        moving: the text that is split; every window repeats the other tokens.
        limit: tokens per window.
        stride: tokens of that text that neighbours share; None means a quarter of the room.

    Raises:
        InvalidRequest: the other tokens leave no room, or the stride leaves no progress.
        TooManyTokens: the windows would have more tokens than are allowed.
    """
    split, others = places_of(texts == moving), places_of(texts != moving)
    room = limit - len(others)
    if room < 1:
        repeated, other = ("second", "first") if moving == 0 else ("first", "second")
        n_repeated = int((texts == 1 - moving).sum())
        raise InvalidRequest(
            f"the {repeated} text of item {place.index} has {n_repeated} tokens, which leave no room "
            f"for the {other} within the limit of {limit}"
        )
    check_stride(stride, room=room, index=place.index)
    stride = room // 4 if stride is None else stride
    if whole.picks is None:
        inner = n_in_windows(len(split), room=room, stride=stride)
        place.allowance.take(inner + -(-inner // room) * len(others))
    bounds = window_bounds(len(split), room=room, stride=stride)
    if whole.picks is None:
        return tuple(_part(whole, places, None) for places in spread(split, others, bounds))
    best = best_windows(whole.picks, split, bounds)
    numbers = np.unique(best).tolist()
    parts = spread(split, others, [bounds[number] for number in numbers])
    return tuple(
        _part(whole, places, whole.picks[best == number])
        for number, places in zip(numbers, parts, strict=True)
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
