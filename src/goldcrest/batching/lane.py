"""A lane: one version's engine, the shapes that are warm, and what each costs."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count

import numpy as np

from goldcrest.errors import EngineFailed
from goldcrest.packing.cost import CostTable
from goldcrest.packing.grid import fill
from goldcrest.packing.ladder import MAX_JOBS
from goldcrest.packing.plan import NoShape, plan
from goldcrest.values import Encoding, Grid, Job, Outputs, Plan, Shape

_log = logging.getLogger(__name__)

_LEAST_S = 1e-6
_HOPE = 0.8
"""How much cheaper than guessed a cold shape is taken to be: without hope, none would be tried."""

Run = Callable[[Grid], Outputs]
"""A version's engine and reader: a grid -> an array of numbers per job, in the order of its jobs."""


class Lane:
    """Everything that must be known to run one version's jobs.

    Args:
        name: of the version; its jobs carry it.
        run: its engine and reader; may raise anything.
        ladder: every shape that may run, smallest first.
        costs: what is known of their seconds; corrected by every run.
        objective_s: the longest that a grid should take.
        n_first: shapes that must be warm before the lane counts as ready.

    Attributes:
        warmed: called once, when the whole ladder is warm.
        seconds_per_token: the pace of the best warm shape if it were full; 0 while none is warm.
    """

    warmed: Callable[[], None] = staticmethod(lambda: None)

    def __init__(
        self,
        name: str,
        run: Run,
        *,
        ladder: Sequence[Shape],
        costs: CostTable,
        objective_s: float,
        n_first: int,
    ) -> None:
        self.name, self.costs = name, costs
        self._run, self._objective_s = run, objective_s
        self._cold = list(ladder)
        self._ladder = tuple(ladder)
        self._warm: dict[Shape, float] = {}
        self._timed: dict[Shape, list[float]] = {}
        self._failures: Counter[Shape] = Counter()
        self.seconds_per_token = 0.0
        self._n_first = min(n_first, len(ladder))

    @property
    def is_ready(self) -> bool:
        return len(self._warm) >= max(1, self._n_first)

    @property
    def is_warm(self) -> bool:
        """Whether every shape of the ladder has run."""
        return not self._cold

    def choose(self, jobs: Sequence[Job], *, explore: bool = False) -> Plan:
        """Decide which of the jobs, in order of rank, run next and where.

        Where no warm shape holds the most urgent job, the smallest of the ladder that does is
        taken cold: that answer waits for a compilation, but it comes.

        Args:
            jobs: that wait.
            explore: take a cold shape too, if it should be the best one; under constant load
                nothing else would ever warm it.
        """
        lengths = [job.encoding.n_tokens for job in jobs]
        costs = self._warm
        if explore and self._cold:
            guesses = self.costs.costs(self._cold)
            costs = {**{s: _HOPE * cost for s, cost in guesses.items()}, **self._warm}
        try:
            return plan(lengths, costs, objective_s=self._objective_s)
        except NoShape:
            fitting = (s for s in self._ladder if s.width >= lengths[0])
            return Plan(next(fitting, self._ladder[-1]), ((0,),))

    def is_cold(self, shape: Shape) -> bool:
        """Whether a run of the shape will compile kernels first."""
        return shape not in self._warm

    @property
    def next_cold_s(self) -> float:
        """What the next shape to be warmed is predicted to take; 0 where nothing is known."""
        return (self.costs.seconds(self._cold[0]) or 0.0) if self._cold else 0.0

    def predicted_s(self, shape: Shape) -> float:
        return self._warm.get(shape) or self.costs.seconds(shape) or 0.0

    def run(self, grid: Grid) -> Outputs:
        """Run a grid and read its answers, an array per job.

        Raises:
            EngineFailed: if the runtime fails, or what it returns is not finite.
        """
        try:
            values = self._run(grid)
        except Exception as error:  # the one place that may catch anything: runtimes raise anything
            raise EngineFailed(f"the engine failed on a grid of {grid.shape}: {error}") from error
        if len(values) != grid.n_jobs:
            raise EngineFailed(f"a grid of {grid.n_jobs} texts gave {len(values)} answers")
        if not _are_finite(values):
            raise EngineFailed(f"a grid of {grid.shape} gave values that are not finite numbers")
        return values

    def observe(self, shape: Shape, seconds: float) -> None:
        """Learn from a run of a batch."""
        seconds = max(seconds, _LEAST_S)
        if shape in self._cold:
            self._rehearse(shape, seconds, n_timed=1)
        else:
            self.costs.observe(shape, seconds)
            self._price(shape)

    def failed(self, shape: Shape) -> None:
        """Note that the engine failed on a shape; a cold one that fails twice is left out."""
        self._failures[shape] += 1
        if shape in self._cold and self._failures[shape] > 1:
            _log.error("%s: shape %s failed twice and is left out", self.name, shape)
            self._cold.remove(shape)
            self._n_first = min(self._n_first, len(self._warm) + len(self._cold))
            self._finish()

    def warm_next(self, clock: Callable[[], float]) -> None:
        """Run the smallest cold shape once; it is warm once its kernels and its cost are known.

        One run at a time, so that a text that arrives meanwhile waits for no more than that.
        """
        if not self._cold:
            return
        shape = self._cold[0]
        grid = specimen(shape, n_jobs=2 ** (len(self._warm) % 9))
        start = clock()
        try:
            self.run(grid)
        except EngineFailed as error:
            _log.warning("%s: %s", self.name, error)
            self.failed(shape)
            return
        n_timed = 1 if shape in self.costs.measured else 2
        self._rehearse(shape, max(clock() - start, _LEAST_S), n_timed=n_timed)

    def _rehearse(self, shape: Shape, seconds: float, *, n_timed: int) -> None:
        """Note a run of a cold shape: the first compiles its kernels, later ones tell its cost.

        Noise only ever adds, so the least is believed; a cost noted at an earlier start counts too.
        """
        if shape not in self._timed:
            self._timed[shape] = []
            return
        self._timed[shape].append(seconds)
        if len(self._timed[shape]) >= n_timed:
            known = [self.costs.seconds(shape)] if shape in self.costs.measured else []
            self.costs.put(shape, min(*self._timed.pop(shape), *(k for k in known if k), seconds))
            self._cold.remove(shape)
            self._price(shape)
            self._finish()

    def _price(self, shape: Shape) -> None:
        """Take over a shape's cost, knowing that it can cost no more than one that contains it."""
        cost = self.costs.seconds(shape) or _LEAST_S
        self._warm[shape] = min(
            [cost]
            + [
                larger_cost
                for larger, larger_cost in self._warm.items()
                if larger.rows >= shape.rows and larger.width >= shape.width and larger != shape
            ]
        )
        self.seconds_per_token = min(c / s.n_slots for s, c in self._warm.items())

    def _finish(self) -> None:
        """When nothing is cold any more, reconsider every price, and say so."""
        if not self._cold:
            for shape in list(self._warm):
                self._price(shape)
            self.warmed()


def _are_finite(values: Outputs) -> bool:
    if isinstance(values, np.ndarray):
        return bool(np.isfinite(values).all())
    return all(np.isfinite(array).all() for array in values)


def specimen(shape: Shape, *, n_jobs: int) -> Grid:
    """A full grid of equal jobs to warm a shape with; as many jobs as fit, up to ``n_jobs``."""
    per_row = max(1, min(n_jobs, MAX_JOBS, shape.n_slots) // shape.rows)
    job = Encoding(np.zeros(shape.width // per_row, np.int32))
    numbers = count()
    rows = tuple(tuple(next(numbers) for _ in range(per_row)) for _ in range(shape.rows))
    return fill(Plan(shape, rows), [job] * (per_row * shape.rows))
