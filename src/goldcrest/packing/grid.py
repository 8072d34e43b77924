"""Encodings laid out in a grid, as a plan says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from goldcrest.packing.ladder import n_picks
from goldcrest.values import Encoding, Grid, Ints, Plan, Shape

_Use = Literal["input_ids", "positions", "owners", "token_types"]


class Buffers:
    """Arrays that are filled anew for every grid, a set for each shape that was ever filled.

    They belong to one engine slot, whose grids run one after the other; the ladder bounds them.
    """

    def __init__(self) -> None:
        self._arrays: dict[tuple[Shape, _Use], Ints] = {}

    @property
    def n_bytes(self) -> int:
        return sum(array.nbytes for array in list(self._arrays.values()))

    def take(self, shape: Shape, use: _Use, *, empty: int) -> Ints:
        """An array of so many slots that is empty. *Shape:* ``(n_slots,)``."""
        array = self._arrays.get((shape, use))
        if array is None:
            array = self._arrays[shape, use] = np.empty(shape.n_slots, np.int32)
        array.fill(empty)
        return array

    def drop(self) -> None:
        """Free them all; the next grids make new ones."""
        self._arrays = {}


def fill(plan: Plan, encodings: Sequence[Encoding], buffers: Buffers | None = None) -> Grid:
    """Lay out the encodings that the plan has chosen.

    Args:
        plan: which encodings share which row.
        encodings: all that were offered, in the order that the plan's indices mean.
        buffers: where to; the grid is good until the next one of that shape. None: new arrays.

    Returns:
        A grid whose owners, starts and lengths follow the order of ``plan.chosen``.

    Raises:
        ValueError: if a row of the plan holds more tokens than the shape is wide.
    """
    chosen = [encodings[index] for index in plan.chosen]
    lengths = np.array([encoding.n_tokens for encoding in chosen], np.int32)
    starts = np.array(_starts(plan, encodings), np.int32)
    # For every token: whose it is, its position in its text, and the flat index of its slot.
    token_owners = np.repeat(np.arange(len(chosen), dtype=np.int32), lengths)
    firsts = np.cumsum(lengths, dtype=np.int32) - lengths
    token_positions = np.arange(len(token_owners), dtype=np.int32) - firsts[token_owners]
    slots = starts[token_owners] + token_positions

    def scatter(use: _Use, values: Ints | int, *, empty: int = 0) -> Ints:
        flat = (buffers or Buffers()).take(plan.shape, use, empty=empty)
        flat[slots] = values
        return flat.reshape(plan.shape.rows, plan.shape.width)

    return Grid(
        input_ids=scatter("input_ids", np.concatenate([encoding.ids for encoding in chosen])),
        positions=scatter("positions", token_positions),
        owners=scatter("owners", token_owners, empty=-1),
        token_types=scatter("token_types", _token_types(chosen)),
        picks=_picks(chosen, starts.tolist()),
        pick_counts=np.array([_n_picked(encoding) for encoding in chosen], np.int32),
        starts=starts,
        lengths=lengths,
    )


def _n_picked(encoding: Encoding) -> int:
    return 0 if encoding.picks is None else len(encoding.picks)


def _picks(chosen: Sequence[Encoding], starts: Sequence[int]) -> Ints:
    """Flat indices of the states that are wanted, padded to the ladder's next step."""
    if all(encoding.picks is None for encoding in chosen):
        flat = np.array(starts, np.int32)
    else:
        parts = [
            np.array([start], np.int32) if encoding.picks is None else start + encoding.picks
            for encoding, start in zip(chosen, starts, strict=True)
        ]
        flat = np.concatenate(parts)
    picks = np.zeros(n_picks(len(flat)), np.int32)
    picks[: len(flat)] = flat
    return picks


def _starts(plan: Plan, encodings: Sequence[Encoding]) -> list[int]:
    """The flat index of each chosen encoding's first slot."""
    width = plan.shape.width
    starts = []
    for number, row in enumerate(plan.rows):
        slot = number * width
        for index in row:
            starts.append(slot)
            slot += encodings[index].n_tokens
        if slot > (number + 1) * width:
            raise ValueError(
                f"row {number} of the plan holds {slot - number * width} tokens, "
                f"more than the width of {width}"
            )
    return starts


def _token_types(chosen: Sequence[Encoding]) -> Ints | int:
    """Of all tokens one after the other, or 0 where no encoding has any."""
    if all(encoding.token_types is None for encoding in chosen):
        return 0
    return np.concatenate(
        [
            np.zeros(encoding.n_tokens, np.int32)
            if encoding.token_types is None
            else encoding.token_types
            for encoding in chosen
        ]
    )
