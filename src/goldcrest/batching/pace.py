"""How fast a lane really is, and what its texts come to; pure."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

_N_RUNS = 5
"""The middle of so many runs is believed: one that the machine interrupted changes nothing, and a
machine that has slowed down is noticed after three."""
_BELIEF = 0.5
"""How much of what is particular to a run is put down to its shape, in logarithms: before a slow machine
is recognised as one, its shapes look slow."""
_PARTICULAR = 1.25
"""The most that one run says for or against its shape: a shape that a single interrupted run made look
dear would not be run again, and so never be seen to be cheap."""
_WIDEST = 10.0
"""The most by which a run may seem slower or faster than the table says."""
_KEEP = 0.95
"""How much of what was seen before is kept with each new grid or request."""
_SURE = 0.75
"""How much of the usual tokens a text is taken to have at least."""


class Pace:
    """What all shapes have in common that the table cannot know.

    A machine that is throttled, or shared with a noisy neighbour, slows all shapes alike: that is
    one factor here, and the table stays as it was measured in quiet.

    Attributes:
        correction: what runs take, divided by what the table says.
    """

    def __init__(self) -> None:
        self.correction = 1.0
        self._ratios: deque[float] = deque([1.0] * _N_RUNS, _N_RUNS)
        self._full_s = 0.0  # what the tokens of grids under load would have taken in full grids,
        self._grid_s = 0.0  # and what those grids took by the table

    @property
    def looseness(self) -> float:
        """What a token takes in the grids that are run under load, against the fullest grid."""
        return self._grid_s / self._full_s if self._full_s else 1.0

    def ran(self, seconds: float, table_s: float) -> float:
        """Note a run; returns what is to be believed of its shape on a machine left alone.

        Args:
            seconds: what it took.
            table_s: what the table says.
        """
        ratio = min(max(seconds / table_s, 1 / _WIDEST), _WIDEST)
        self._ratios.append(ratio)
        self.correction = sorted(self._ratios)[_N_RUNS // 2]
        particular = min(max(ratio / self.correction, 1 / _PARTICULAR), _PARTICULAR)
        return table_s * math.pow(particular, _BELIEF)

    def packed(self, n_tokens: int, table_s: float, seconds_per_token: float) -> None:
        """Note how well a grid that left jobs waiting was packed.

        Args:
            n_tokens: that it held.
            table_s: what the table says it takes.
            seconds_per_token: of the fullest grid, by the same table.
        """
        self._full_s = _KEEP * self._full_s + n_tokens * seconds_per_token
        self._grid_s = _KEEP * self._grid_s + table_s


class Density:
    """How many tokens the texts of a lane have for a character, as far as was seen."""

    def __init__(self) -> None:
        self._n_tokens = self._n_characters = 0.0

    def saw(self, n_characters: int, n_tokens: int) -> None:
        """Note a text that lost no tokens.

        Args:
            n_characters: that it has.
            n_tokens: that it came to, special ones not counted.
        """
        self._n_tokens = _KEEP * self._n_tokens + n_tokens
        self._n_characters = _KEEP * self._n_characters + n_characters

    def least_tokens(self, sizes: Sequence[int], limit: int) -> int:
        """Fewer tokens than that a request will hardly have.

        Args:
            sizes: characters of each item.
            limit: tokens of one item; longer ones are cut.
        """
        if not self._n_characters:
            return len(sizes)
        density = _SURE * max(0.0, self._n_tokens / self._n_characters)
        return sum([min(limit, 1 + int(density * size)) for size in sizes])
