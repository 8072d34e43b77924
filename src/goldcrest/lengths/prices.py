"""Seconds that texts take on this machine, packed as they are served, or padded; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from goldcrest.packing.cost import CostTable
from goldcrest.packing.ladder import MAX_JOBS, ladder
from goldcrest.packing.plan import plan

_LEAST_SLOTS = 256
"""Of the largest shape that was measured: figures beyond it would be guesses."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What grids of a model cost.

    Attributes:
        table: seconds by shape, as measured.
        precision: that was measured, such as "int8"; empty where it is not known.
        objective_s: the longest that a grid should take.
        max_tokens: slots of the largest grid.
    """

    table: CostTable
    precision: str = ""
    objective_s: float = 0.05
    max_tokens: int = 1024

    @property
    def is_enough(self) -> bool:
        """Whether shapes were measured that are large enough to tell what load would cost."""
        return max((shape.n_slots for shape in self.table.measured), default=0) >= _LEAST_SLOTS

    def packed_s(self, lengths: Sequence[int], limit: int) -> float:
        """Seconds per text while so many wait that grids are as full as they get.

        Args:
            lengths: tokens of texts in the order of their arrival, at least one; longer ones are
                cut to the limit.
            limit: tokens per text.
        """
        costs = self.table.costs(ladder(limit, max_tokens=self.max_tokens))
        waiting = [min(length, limit) for length in lengths]
        seconds, n_done = 0.0, 0
        while waiting:
            offered = waiting[:MAX_JOBS]
            if n_done and len(offered) < MAX_JOBS:  # the last grids would not be full
                break
            planned = plan(offered, costs, objective_s=self.objective_s)
            chosen = set(planned.chosen)
            seconds += costs[planned.shape]
            n_done += len(chosen)
            waiting = [length for place, length in enumerate(waiting) if place not in chosen]
        return seconds / n_done

    def padded_s(self, limit: int) -> float:
        """Seconds per text if each were as long as the limit, as padding makes it."""
        return self.packed_s([limit] * (2 * MAX_JOBS), limit)
