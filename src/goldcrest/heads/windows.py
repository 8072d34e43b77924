"""The tokens of texts put together from their windows; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from goldcrest.values import Answer, Encoding, Floats, Ints, Origins

_FAR = np.iinfo(np.int32).max


@dataclass(frozen=True, slots=True)
class Pieces:
    """The tokens of several texts, each token once, with what was read for it.

    Attributes:
        ids: *Shape:* ``(n_tokens,)``.
        offsets: *Shape:* ``(n_tokens, 2)``; first and last plus one character of the text.
        places: *Shape:* ``(n_tokens,)``; in its item, special tokens counted.
        items: *Shape:* ``(n_tokens,)``; which item it is of.
        rows: *Shape:* ``(n_tokens, n)``.
    """

    ids: Ints
    offsets: Ints
    places: Ints
    items: Ints
    rows: Floats

    def __len__(self) -> int:
        return len(self.ids)


def pieces(answers: Sequence[Answer]) -> Pieces:
    """The tokens of single texts, special ones left out.

    A token that several windows share is taken from the one in which it stands farthest from an
    edge, for there it has seen most of its surroundings; the two ends of the text are no edges.
    Of windows that are equally good the first counts.

    Args:
        answers: at least one, each with a row for every token and the tokens' origins.
    """
    parts = [_of_text(answer) for answer in answers]
    counts = [len(part) for part in parts]
    return Pieces(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.offsets for part in parts]),
        np.concatenate([part.places for part in parts]),
        np.repeat(np.arange(len(parts), dtype=np.int32), counts),
        np.concatenate([part.rows for part in parts]),
    )


def origins_of(encoding: Encoding) -> Origins:
    """Where its tokens came from."""
    assert encoding.origins is not None  # noqa: S101  # the tokenizer of such a model keeps them
    return encoding.origins


def taken(windows: Sequence[Ints]) -> Ints:
    """Which tokens make up a text, as places in its windows laid one after the other.

    Args:
        windows: in order; a row for each token, equal for equal tokens. *Shape* of each:
            ``(n_tokens, n)``.
    """
    lengths = [len(window) for window in windows]
    shared = [_n_shared(left, right) for left, right in pairwise(windows)]
    starts = np.cumsum([0, *lengths[:-1]])
    bases = starts - np.cumsum([0, *shared])
    margins = np.full(int(bases[-1]) + lengths[-1], -1, np.int32)
    found = np.zeros(len(margins), np.int32)
    for number, (start, base, length) in enumerate(zip(starts, bases, lengths, strict=True)):
        margin = _margins(length, is_first=number == 0, is_last=number == len(windows) - 1)
        here = slice(base, base + length)
        better = margin > margins[here]
        margins[here][better] = margin[better]
        found[here][better] = start + np.flatnonzero(better)
    return found


def _of_text(answer: Answer) -> Pieces:
    chosen = [np.flatnonzero(origins_of(encoding).texts == 0) for encoding in answer.encodings]
    parts = [
        (encoding.ids[places], origins_of(encoding).offsets[places], rows[places])
        for encoding, rows, places in zip(answer.encodings, answer.windows, chosen, strict=True)
    ]
    ids, offsets, rows = parts[0]
    if len(parts) > 1:
        kept = taken([np.column_stack([ids, offsets]) for ids, offsets, _ in parts])
        ids, offsets, rows = (np.concatenate(of_all)[kept] for of_all in zip(*parts, strict=True))
    places = np.arange(len(ids), dtype=np.int32) + (chosen[0][0] if len(ids) else 0)
    return Pieces(ids, offsets, places, np.zeros_like(ids), rows)


def _n_shared(left: Ints, right: Ints) -> int:
    """With how many of its first tokens a window repeats the last ones of the window before."""
    for start in np.flatnonzero((left == right[0]).all(axis=1)).tolist():
        n = len(left) - start
        if n <= len(right) and np.array_equal(left[start:], right[:n]):
            return n
    return 0


def _margins(n_tokens: int, *, is_first: bool, is_last: bool) -> Ints:
    """How far each token of a window stands from an edge at which the text goes on."""
    numbers = np.arange(n_tokens, dtype=np.int32)
    before = np.full_like(numbers, _FAR) if is_first else numbers
    return np.minimum(before, np.full_like(numbers, _FAR) if is_last else numbers[::-1])
