"""An answer as bytes, and back; pure.

Bytes cannot change, hold on to no grid, and say exactly what they weigh. What is read back are
arrays on these very bytes, without a copy, and so read-only too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goldcrest.values import Answer, Encoding, Floats, Ints, Origins

FORMAT = 1
"""Changes with the layout, or with what the numbers mean."""

_HEAD = Struct("<8I")
"""Of a window: dimensions of its array, the first and the second of them, tokens, tokens dropped,
flags, picks, and nothing; numbers of four bytes, so that the arrays behind it lie straight."""

_INTS, _FLOATS = np.dtype("<i4"), np.dtype("<f4")
_HAS_TYPES, _HAS_PICKS, _HAS_ORIGINS = 1, 2, 4


def write(answer: Answer, *, largest: int = sys.maxsize) -> bytes | None:
    """Return the answer as bytes; None if it has more of them, or numbers of a type not ours."""
    parts: list[bytes] = []
    for window, encoding in zip(answer.windows, answer.encodings, strict=True):
        if window.nbytes > largest:
            return None
        head, arrays = _described(window, encoding)
        for one in arrays:
            if one.itemsize != 4:
                return None
        if window.dtype.kind != "f":
            return None
        parts.append(head)
        parts += [one.tobytes() for one in arrays]
    written = b"".join(parts)
    return written if len(written) <= largest else None


def read(written: bytes) -> Answer:
    """Return the answer that was written.

    Raises:
        ValueError: these bytes are none.
    """
    windows = [*_windows(written)]
    if not windows:
        raise ValueError("an answer has at least one window")
    return Answer(*zip(*windows, strict=True))


def _described(window: Floats, encoding: Encoding) -> tuple[bytes, list[NDArray[Any]]]:
    """A window's head, and the arrays that follow it."""
    types, picks, origins = encoding.token_types, encoding.picks, encoding.origins
    arrays: list[NDArray[Any]] = [window, encoding.ids]
    flags = n_picks = 0
    if types is not None:
        flags |= _HAS_TYPES
        arrays.append(types)
    if picks is not None:
        flags |= _HAS_PICKS
        n_picks = len(picks)
        arrays.append(picks)
    if origins is not None:
        flags |= _HAS_ORIGINS
        arrays += [origins.offsets, origins.words, origins.texts]
    shape = window.shape
    second = shape[1] if len(shape) == 2 else 0
    n_tokens, n_dropped = len(encoding.ids), encoding.n_dropped
    head = _HEAD.pack(len(shape), shape[0], second, n_tokens, n_dropped, flags, n_picks, 0)
    return head, arrays


def _windows(written: bytes) -> Iterator[tuple[Floats, Encoding]]:
    if len(written) % 4:
        raise ValueError(f"{len(written)} bytes are no whole numbers of four")
    ints, floats = np.frombuffer(written, _INTS), np.frombuffer(written, _FLOATS)
    start = 0
    while start < len(ints):
        if start + 8 > len(ints):
            raise ValueError("a window's head is cut short")
        n_axes, first, second, *rest = _HEAD.unpack_from(written, 4 * start)
        start += 8
        end = start + (first * second if n_axes == 2 else first)
        window = floats[start:end]
        encoding, start = _encoding(ints, end, rest)
        if n_axes not in (1, 2) or start > len(ints):
            raise ValueError("a window is cut short")
        yield window.reshape(first, second) if n_axes == 2 else window, encoding


def _encoding(ints: Ints, start: int, head: list[int]) -> tuple[Encoding, int]:
    """The encoding that begins at ``start``, and where it ends."""
    n_tokens, n_dropped, flags, n_picks, _ = head
    end = start + n_tokens
    ids = ints[start:end]
    types = picks = origins = None
    if flags & _HAS_TYPES:
        types, end = ints[end : end + n_tokens], end + n_tokens
    if flags & _HAS_PICKS:
        picks, end = ints[end : end + n_picks], end + n_picks
    if flags & _HAS_ORIGINS:
        middle, end = end + 2 * n_tokens, end + 4 * n_tokens
        if end <= len(ints):
            offsets = ints[middle - 2 * n_tokens : middle].reshape(n_tokens, 2)
            words, texts = ints[middle : middle + n_tokens], ints[middle + n_tokens : end]
            origins = Origins(offsets, words, texts)
    return Encoding(ids, types, n_dropped, picks, origins), end
