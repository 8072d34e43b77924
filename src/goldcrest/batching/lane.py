"""A lane: one version's engine, the shapes that are warm, and what each costs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import count

import numpy as np

from goldcrest.errors import EngineFailed
from goldcrest.packing.cost import CostTable
from goldcrest.packing.grid import fill
from goldcrest.packing.ladder import MAX_JOBS
from goldcrest.packing.plan import NoShape, plan
from goldcrest.values import Encoding, Floats, Grid, Job, Plan, Shape

_log = logging.getLogger(__name__)

Run = Callable[[Grid], Floats]
"""A version's engine and head: a grid -> one row of numbers per job, in the order of its jobs."""


class Lane:
    """Everything that must be known to run one version's jobs.

    Args:
        name: of the version; its jobs carry it.
        run: its engine and head; may raise anything.
        ladder: every shape that may run, smallest first.
        costs: what is known of their seconds; corrected by every run.
        objective_s: the longest that a grid should take.
        n_first: shapes that must be warm before the lane counts as ready.

    Attributes:
        warmed: called once, when the whole ladder is warm.
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
        self._compiled: set[Shape] = set()
        self._n_first = min(n_first, len(ladder))

    @property
    def is_ready(self) -> bool:
        return len(self._warm) >= self._n_first

    @property
    def is_warm(self) -> bool:
        """Whether every shape of the ladder has run."""
        return not self._cold

    @property
    def seconds_per_token(self) -> float:
        """The pace of the best warm shape if it were full; 0 while nothing is warm."""
        return min((cost / shape.n_slots for shape, cost in self._warm.items()), default=0.0)

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
            costs = {**self.costs.costs(self._cold), **self._warm}
        try:
            return plan(lengths, costs, objective_s=self._objective_s)
        except NoShape:
            return Plan(next(s for s in self._ladder if s.width >= lengths[0]), ((0,),))

    def is_cold(self, shape: Shape) -> bool:
        """Whether a run of the shape will compile kernels first."""
        return shape not in self._warm

    @property
    def next_cold_s(self) -> float:
        """What the next shape to be warmed is predicted to take; 0 where nothing is known."""
        return (self.costs.seconds(self._cold[0]) or 0.0) if self._cold else 0.0

    def predicted_s(self, shape: Shape) -> float:
        return self._warm.get(shape) or self.costs.seconds(shape) or 0.0

    def run(self, grid: Grid) -> Floats:
        """Run a grid and read its answers. *Shape:* ``(n_jobs, n_values)``.

        Raises:
            EngineFailed: if the runtime fails, or what it returns is not finite.
        """
        try:
            values = self._run(grid)
        except Exception as error:  # the one place that may catch anything: runtimes raise anything
            raise EngineFailed(f"the engine failed on a grid of {grid.shape}: {error}") from error
        if not np.isfinite(values).all():
            raise EngineFailed(f"a grid of {grid.shape} gave values that are not finite numbers")
        return values

    def observe(self, shape: Shape, seconds: float) -> None:
        """Learn from a run, unless it was the first of its shape, which also compiles."""
        if shape in self._warm:
            self.costs.observe(shape, max(seconds, 1e-6))
        self._mark_warm(shape, seconds)

    def warm_next(self, clock: Callable[[], float]) -> None:
        """Run the smallest cold shape once; it is warm once its kernels and its cost are known.

        One run at a time, so that a text that arrives meanwhile waits for no more than that. A
        shape on which the engine fails is left out for good, and said so in the log.
        """
        if not self._cold:
            return
        shape = self._cold[0]
        grid = specimen(shape, n_jobs=2 ** (len(self._warm) % 9))
        try:
            start = clock()
            self.run(grid)
            self._rehearsed(shape, max(clock() - start, 1e-6))
        except EngineFailed:
            _log.exception("%s: shape %s failed to warm and is left out", self.name, shape)
            self._cold.remove(shape)
            self._n_first = min(self._n_first, len(self._warm) + len(self._cold))
        if self.is_warm:
            self.warmed()

    def _rehearsed(self, shape: Shape, seconds: float) -> None:
        """Note a run of a cold shape: the first compiles its kernels, the second tells its cost."""
        is_first = shape not in self._compiled
        self._compiled.add(shape)
        if not is_first:
            self.costs.observe(shape, seconds)
        if shape in self.costs.measured:
            self._mark_warm(shape, seconds)

    def _mark_warm(self, shape: Shape, seconds: float) -> None:
        self._warm[shape] = self.costs.seconds(shape) or seconds
        if shape in self._cold:
            self._cold.remove(shape)


def specimen(shape: Shape, *, n_jobs: int) -> Grid:
    """A full grid of equal jobs to warm a shape with; as many jobs as fit, up to ``n_jobs``."""
    per_row = max(1, min(n_jobs, MAX_JOBS, shape.n_slots) // shape.rows)
    job = Encoding(np.zeros(shape.width // per_row, np.int32))
    numbers = count()
    rows = tuple(tuple(next(numbers) for _ in range(per_row)) for _ in range(shape.rows))
    return fill(Plan(shape, rows), [job] * (per_row * shape.rows))
