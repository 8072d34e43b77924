"""Grids laid out at random, to prove that an answer depends on its own tokens alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from goldcrest.values import Encoding, Grid


def scattered(encodings: Sequence[Encoding], rng: np.random.Generator, max_gap: int = 3) -> Grid:
    """Lay encodings out in rows in random order, with gaps of empty slots anywhere.

    Args:
        encodings: at least one; job ``i`` of the grid is ``encodings[i]``.
        rng: decides order, rows and gaps.
        max_gap: the most empty slots before each; 0 lays a single encoding out alone.
    """
    width = max(encoding.n_tokens for encoding in encodings) + int(rng.integers(0, max_gap + 1))
    starts = np.zeros(len(encodings), np.int32)
    cursor = 0
    for index in rng.permutation(len(encodings)):
        start = cursor + int(rng.integers(0, max_gap + 1))
        n_tokens = encodings[index].n_tokens
        if start % width + n_tokens > width:
            start = (start // width + 1) * width
        starts[index], cursor = start, start + n_tokens
    return _fill(encodings, starts, shape=(-(-cursor // width), width))


def _fill(encodings: Sequence[Encoding], starts: np.ndarray, *, shape: tuple[int, int]) -> Grid:
    ids, positions, types = (np.zeros(shape, np.int32) for _ in range(3))
    owners = np.full(shape, -1, np.int32)
    for owner, (encoding, start) in enumerate(zip(encodings, starts, strict=True)):
        slots = slice(start, start + encoding.n_tokens)
        ids.flat[slots] = encoding.ids
        positions.flat[slots] = np.arange(encoding.n_tokens)
        owners.flat[slots] = owner
        if encoding.token_types is not None:
            types.flat[slots] = encoding.token_types
    picks, counts = _picks(encodings, starts)
    lengths = np.array([encoding.n_tokens for encoding in encodings], np.int32)
    return Grid(ids, positions, owners, types, picks, counts, starts, lengths)


def _picks(encodings: Sequence[Encoding], starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The states that are picked, padded to a power of two, and how many each job asks for."""
    asked = [encoding.picks for encoding in encodings]
    flat = [
        slot
        for start, picks in zip(starts.tolist(), asked, strict=True)
        for slot in ([start] if picks is None else (start + picks).tolist())
    ]
    padded = np.zeros(1 << (len(flat) - 1).bit_length(), np.int32)
    padded[: len(flat)] = flat
    return padded, np.array([0 if p is None else len(p) for p in asked], np.int32)
