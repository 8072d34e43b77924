"""The shapes of a lane: which are warm, which are still cold, and what each costs."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from goldcrest.packing.cost import CostTable
from goldcrest.values import Shape

_log = logging.getLogger(__name__)

LEAST_S = 1e-6
_TERM = 128
"""Runs after which what was not among them is doubted."""
_HOPE = 0.8
"""How much cheaper than guessed a cold shape is taken to be: without hope, none would be tried."""


class Shapes:
    """A ladder of shapes, from cold to warm, and sometimes given up again.

    Args:
        name: of the lane, for the log.
        ladder: every shape that may run, smallest first.
        costs: what is known of their seconds.
        n_first: shapes that must be warm before the lane counts as ready.

    Attributes:
        warmed: called once, when the whole ladder is warm and has run.
        warm: the seconds of each warm shape.
        limit: slots of the largest shape that may run; None where all may.
        seconds_per_token: the pace of the best warm shape if it were full; 0 while none is warm.
    """

    warmed: Callable[[], None] = staticmethod(lambda: None)

    def __init__(
        self, name: str, ladder: Sequence[Shape], costs: CostTable, *, n_first: int
    ) -> None:
        self.costs = costs
        self.warm: dict[Shape, float] = {}
        self.limit: int | None = None
        self.seconds_per_token = 0.0
        self._name = name
        self._ladder = tuple(ladder)
        self._cold = list(ladder)
        self._timed: dict[Shape, list[float]] = {}
        self._rehearsed: dict[Shape, float] = {}
        self._unrun: set[Shape] = set()  # inherited
        self._ran: set[Shape] = set()  # in this term,
        self._n_ran = 0  # and how often any did
        self._failures: Counter[Shape] = Counter()
        self._out_of_memory = 0  # slots of a grid that the machine could not hold
        self._n_first = min(n_first, len(ladder))

    def __len__(self) -> int:
        return len(self._ladder)

    @property
    def is_ready(self) -> bool:
        return len(self.warm) >= max(1, self._n_first)

    @property
    def next_cold(self) -> Shape | None:
        """The shape that should be warmed next; None if all are warm."""
        return self._cold[0] if self._cold else None

    def is_cold(self, shape: Shape) -> bool:
        """Whether a run of the shape will compile kernels first."""
        return shape not in self.warm or shape in self._unrun

    def offered(self, *, explore: bool) -> Mapping[Shape, float]:
        """The shapes that a grid may take, and their seconds; some cold ones too, to explore."""
        if not (explore and self._cold):
            return self.warm
        guesses = self.costs.costs(self._cold)
        return {**{shape: _HOPE * cost for shape, cost in guesses.items()}, **self.warm}

    def fallback(self, n_tokens: int) -> Shape:
        """The smallest shape of the whole ladder that holds a text, warm or not."""
        fitting = (shape for shape in self._ladder if shape.width >= n_tokens)
        return next(fitting, self._ladder[-1])

    def seconds(self, shape: Shape) -> float:
        """What a shape takes; 0 where nothing is known."""
        return self.warm.get(shape) or self.costs.seconds(shape) or 0.0

    def observe(self, shape: Shape, seconds: float) -> None:
        """Learn from a run of a batch."""
        if shape in self._unrun:  # its kernels were compiled
            self._unrun.remove(shape)
            self._finish()
        elif shape in self._cold:
            self.rehearse(shape, seconds, n_timed=1)
        elif shape in self.warm:  # else it was given up while it ran
            self.costs.observe(shape, seconds)
            self._price(shape)
            self._ran.add(shape)
            self._n_ran += 1
            if self._n_ran >= _TERM:
                self._doubt()

    def rehearse(self, shape: Shape, seconds: float, *, n_timed: int | None = None) -> None:
        """Note a run of a cold shape: the first compiles its kernels, later ones tell its cost.

        Noise only ever adds, so the least is believed; a cost noted at an earlier start counts too.
        """
        if shape not in self._timed:
            self._timed[shape] = []
            return
        self._timed[shape].append(seconds)
        is_known = shape in self.costs.measured
        if len(self._timed[shape]) >= (n_timed or (1 if is_known else 2)):
            known = [self.costs.seconds(shape)] if is_known else []
            least_s = min(*self._timed.pop(shape), *(k for k in known if k), seconds)
            self._rehearsed[shape] = least_s
            self.costs.put(shape, least_s)
            self._cold.remove(shape)
            self._price(shape)
            self._finish()

    def inherit(self, other: Shapes) -> None:
        """Let run what is warm in another ladder of the same graph, at the costs known there.

        The first run of each still compiles kernels, and is not learnt from.
        """
        warm = other.warm.copy()
        taken = {shape: warm[shape] for shape in self._cold if shape in warm}
        self._cold = [shape for shape in self._cold if shape not in taken]
        self._unrun.update(taken)
        self._rehearsed = {**other._rehearsed, **self._rehearsed}
        self.warm = {**self.warm, **taken}
        self._settle_pace()

    def failed(self, shape: Shape) -> None:
        """Note that the engine failed on a shape; a cold one that fails twice is left out."""
        self._failures[shape] += 1
        if shape in self._cold and self._failures[shape] > 1:
            _log.error("%s: shape %s failed twice and is left out", self._name, shape)
            self._cold.remove(shape)
            self._finish()

    def ran_out_of_memory(self, shape: Shape) -> None:
        """Choose no grid of more than half these slots any more, for good."""
        limit = max(1, shape.n_slots // 2)
        if not self._out_of_memory or limit < self._out_of_memory:
            _log.error(
                "%s: no memory for a grid of %s; from now on grids have at most %d slots",
                self._name,
                shape,
                limit,
            )
            self._out_of_memory = limit
            self._cut(min(limit, self.limit or limit))

    def shrink(self) -> None:
        """Do without the largest warm shapes: halve the slots of the largest grid."""
        largest = max((shape.n_slots for shape in self.warm), default=0)
        smallest = self._ladder[0].n_slots
        if largest > smallest:
            self._cut(max(smallest, largest // 2))

    def restore(self) -> None:
        """Let the shapes run again that `shrink` gave up; they must be warmed anew."""
        self.limit = self._out_of_memory or None
        self._cold = [
            shape
            for shape in self._ladder
            if shape not in self.warm and shape.n_slots <= (self.limit or shape.n_slots)
        ]

    def _cut(self, limit: int) -> None:
        self.limit = limit
        self.warm = {shape: cost for shape, cost in self.warm.items() if shape.n_slots <= limit}
        self._unrun &= self.warm.keys()
        self._cold = [shape for shape in self._cold if shape.n_slots <= limit]
        self._timed.clear()
        self._settle_pace()
        self._n_first = min(self._n_first, len(self.warm) + len(self._cold))

    def _doubt(self) -> None:
        """Halve what made shapes dearer than they were in rehearsal, if none was run for a term.

        A shape that looks dear is not chosen, so nothing else would show that it no longer is.
        """
        for shape in self.warm.keys() - self._ran:
            seconds, least_s = self.seconds(shape), self._rehearsed.get(shape, 0.0)
            if 0 < least_s < seconds:
                self.costs.put(shape, (seconds * least_s) ** 0.5)
                self._price(shape)
        self._ran.clear()
        self._n_ran = 0

    def _price(self, shape: Shape) -> None:
        """Take over a shape's cost, knowing that it can cost no more than one that contains it."""
        cost = self.costs.seconds(shape) or LEAST_S
        containing = [
            larger_cost
            for larger, larger_cost in self.warm.items()
            if larger.rows >= shape.rows and larger.width >= shape.width and larger != shape
        ]
        least = min([cost, *containing])
        if shape in self.warm:
            self.warm[shape] = least
        else:  # others may be reading it
            self.warm = {**self.warm, shape: least}
        self._settle_pace()

    def _settle_pace(self) -> None:
        self.seconds_per_token = min([c / s.n_slots for s, c in self.warm.items()], default=0.0)

    def _finish(self) -> None:
        """When every shape has run, reconsider every price, and say so."""
        self._n_first = min(self._n_first, len(self.warm) + len(self._cold))
        if not self._cold and not self._unrun:
            for shape in list(self.warm):
                self._price(shape)
            self.warmed()
