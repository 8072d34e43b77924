"""The few grid shapes that are ever run: each one new to a runtime costs it time and memory."""

from __future__ import annotations

from goldcrest.values import Shape

MAX_JOBS = 256
"""Jobs in one grid, at most: it bounds the number of picked states."""

_SHORTEST = (16, 24)
_FINE = 128
"""Up to this width, single rows grow by a quarter of a power of two; beyond, by a half: a lone text
is mostly short, and what it waits for is the width of its row, but every shape takes memory."""
_ROW_WIDTHS = (64, 128, 256, 512)
"""The widths that come with several rows."""


def ladder(max_length: int, *, max_tokens: int = 1024) -> tuple[Shape, ...]:
    """List the shapes that a model runs, in the order in which they are warmed.

    There is one row of 16, 24, 32, 40, 48, 56, 64, 80 ... up to ``max_length``, and every row
    count at the widths 64 to 512. A width above ``max_length`` is still of use, for positions restart with
    every job of a row.

    Args:
        max_length: tokens of the longest text that the model takes.
        max_tokens: slots per grid; only single rows that long texts need have more.

    Returns:
        The shapes, smallest first.

    Raises:
        ValueError: if a limit is not positive.
    """
    if max_length < 1 or max_tokens < 1:
        raise ValueError(
            f"a ladder needs limits of 1 token or more, not max_length {max_length} "
            f"and max_tokens {max_tokens}"
        )
    single = {Shape(1, width) for width in _single_widths(max_length)}
    several = {
        Shape(rows, width)
        for width in _ROW_WIDTHS
        if width == _ROW_WIDTHS[0] or width // 2 < max_length
        for rows in range(1, max_tokens // width + 1)
    }
    return tuple(sorted(single | several, key=lambda shape: (shape.n_slots, shape.rows)))


def n_picks(n_states: int) -> int:
    """Round a number of picked states up to a power of two, so that few sizes are ever compiled.

    Raises:
        ValueError: if there are none.
    """
    if n_states < 1:
        raise ValueError(f"a grid picks at least 1 state, not {n_states}")
    return 1 << (n_states - 1).bit_length()


def _single_widths(max_length: int) -> list[int]:
    """16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 192 ... and ``max_length`` itself."""
    steps = [
        (1 << power) + (part << power - 2)
        for power in range(5, max_length.bit_length())
        for part in (range(4) if 1 << power < _FINE else (0, 2))
    ]
    return [width for width in (*_SHORTEST, *steps) if width < max_length] + [max_length]
