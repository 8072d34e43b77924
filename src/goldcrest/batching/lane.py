"""A lane: one version's engine, and which grid it should run next."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import count

import numpy as np

from goldcrest.batching.choice import Choice, Offer
from goldcrest.batching.gaps import Gaps
from goldcrest.batching.pace import Density, Pace
from goldcrest.batching.shapes import LEAST_S, Shapes
from goldcrest.batching.slack import Slack
from goldcrest.errors import EngineFailed
from goldcrest.packing.cost import CostTable
from goldcrest.packing.grid import fill
from goldcrest.packing.ladder import MAX_JOBS
from goldcrest.packing.plan import NoShape, plan, reason
from goldcrest.values import Encoding, Grid, Outputs, Plan, Shape

_log = logging.getLogger(__name__)

_NO_MEMORY = ("bad_alloc", "allocate", "out of memory", "out_of_memory", "not enough memory")
"""What runtimes say, in some case or other, when there is no memory left."""

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
        model: the name under which the version is served; None means ``name``.
        share: of the engine, against other lanes that are busy.

    Attributes:
        costs: seconds by shape, on a machine that is left alone.
        shapes: which of them may run.
        density: tokens for a character of the texts that it was given.
        gaps: what passes between two of its grids.
        seconds_per_token: what a token takes under load at present; 0 while nothing is known.
        is_abandoned: its engine hung, and nothing that it gives is believed.
    """

    def __init__(  # noqa: PLR0913  # each is needed, and all but two by name
        self,
        name: str,
        run: Run,
        *,
        ladder: Sequence[Shape],
        costs: CostTable,
        objective_s: float,
        n_first: int,
        model: str | None = None,
        share: float = 1.0,
    ) -> None:
        self.name, self.costs = name, costs
        self.model, self.share = model or name, share
        self.shapes = Shapes(name, ladder, costs, n_first=n_first)
        self._run, self._objective_s = run, objective_s
        self.density = Density()
        self.seconds_per_token = 0.0
        self._pace = Pace()
        self.gaps, self._slack = Gaps(), Slack()
        self._limit_s, self._is_crowded = 0.0, False  # of the last grid that was to keep a limit
        self.is_abandoned = False

    @property
    def warmed(self) -> Callable[[], None]:
        """Called once, when the whole ladder is warm."""
        return self.shapes.warmed

    @warmed.setter
    def warmed(self, call: Callable[[], None]) -> None:
        self.shapes.warmed = call

    @property
    def is_ready(self) -> bool:
        return self.shapes.is_ready

    @property
    def is_warm(self) -> bool:
        """Whether every shape of the ladder that may run is warm."""
        return self.shapes.next_cold is None

    @property
    def correction(self) -> float:
        """What runs take at present, divided by what the table says."""
        return self._pace.correction

    @property
    def next_cold_s(self) -> float:
        """What the next shape to be warmed is predicted to take; 0 where nothing is known."""
        shape = self.shapes.next_cold
        return 0.0 if shape is None else self.shapes.seconds(shape) * self.correction

    def inherit(self, other: Lane) -> None:
        """Take over what a lane of the same graph has learnt, which this one replaces."""
        self.shapes.inherit(other.shapes)
        self.density, self.gaps = other.density, other.gaps
        self._pace, self._slack = other._pace, other._slack
        self._settle_pace()

    def choose(self, offer: Offer, *, explore: bool = False, is_crowded: bool = False) -> Choice:
        """Decide which of the jobs that are offered run next, and where.

        Those of the most urgent class decide the shape; the others fill what is left of it. Where
        no warm shape holds the most urgent job, the smallest of the ladder that does is taken
        cold: that answer waits for a compilation, but it comes.

        Args:
            offer: the jobs, and what the grid should take at most, all but one in a hundred; where
                it says nothing of that, what the settings say, on average. Where no warm shape
                holds the most urgent job in that time, the cheapest one that does is taken.
            explore: take a cold shape too, if it should be the best one; under constant load
                nothing else would ever warm it.
            is_crowded: a large request has just been answered, which takes processor time from
                this grid.
        """
        lengths, longest_s, n_urgent = offer.lengths, offer.longest_s, offer.n_urgent
        costs = self.shapes.offered(explore=explore)
        objective_s = min(longest_s or self._objective_s, self._objective_s)
        free_s = 0.0
        if longest_s is not None:
            free_s = self._slack.below(objective_s, is_crowded=is_crowded)
        self._limit_s = 0.0 if longest_s is None else objective_s
        self._is_crowded = is_crowded
        quiet_s = (objective_s - free_s) / self.correction  # the table knows the machine in quiet
        between_s = self.gaps.seconds(offer.jobs[0].priority) / self.correction
        try:
            planned = plan(
                lengths, costs, objective_s=quiet_s, n_urgent=n_urgent, between_s=between_s
            )
        except NoShape:
            cold = Plan(self.shapes.fallback(lengths[0]), ((0,),))
            return Choice(cold, "cold", objective_s, self.predicted_s(cold.shape))
        why = reason(
            planned, lengths, costs, objective_s=quiet_s, n_urgent=n_urgent, between_s=between_s
        )
        return Choice(planned, why, objective_s, self.predicted_s(planned.shape))

    def is_cold(self, shape: Shape) -> bool:
        """Whether a run of the shape will compile kernels first."""
        return self.shapes.is_cold(shape)

    def predicted_s(self, shape: Shape) -> float:
        """What a run of a shape takes at present; 0 where nothing is known."""
        return self.shapes.seconds(shape) * self.correction

    def predictions(self) -> dict[str, float]:
        """What a run of each warm shape takes at present."""
        warm = self.shapes.warm.copy()
        return {str(shape): cost * self.correction for shape, cost in sorted(warm.items())}

    def run(self, grid: Grid) -> Outputs:
        """Run a grid and read its answers, an array per job.

        Raises:
            EngineFailed: if the runtime fails, or what it returns is not finite.
        """
        try:
            values = self._run(grid)
        except Exception as error:  # the one place that may catch anything: runtimes raise anything
            if _is_of_memory(error):
                self.shapes.ran_out_of_memory(grid.shape)
            raise EngineFailed(f"the engine failed on a grid of {grid.shape}: {error}") from error
        if self.is_abandoned:
            raise EngineFailed(f"the engine came back from a grid of {grid.shape} too late")
        if len(values) != grid.n_jobs:
            raise EngineFailed(f"a grid of {grid.n_jobs} texts gave {len(values)} answers")
        if not _are_finite(values):
            raise EngineFailed(f"a grid of {grid.shape} gave values that are not finite numbers")
        return values

    def observe(self, shape: Shape, seconds: float) -> None:
        """Learn from a run of a batch."""
        seconds = max(seconds, LEAST_S)
        if not self.is_cold(shape):
            expected_s = self.predicted_s(shape)
            if self._limit_s / 4 < expected_s < self._limit_s:
                self._slack.ran(seconds, self._limit_s, is_crowded=self._is_crowded)
            seconds = self._pace.ran(seconds, self.shapes.seconds(shape))
        self.shapes.observe(shape, seconds)
        self._settle_pace()

    def packed(self, shape: Shape, n_tokens: int) -> None:
        """Learn how well a grid was packed that left jobs waiting."""
        if not self.is_cold(shape):
            table_s = self.shapes.seconds(shape)
            self._pace.packed(n_tokens, table_s, self.shapes.seconds_per_token)
            self._settle_pace()

    def failed(self, shape: Shape) -> None:
        """Note that the engine failed on a shape; a cold one that fails twice is left out."""
        self.shapes.failed(shape)

    def abandon(self) -> None:
        """Believe nothing that the engine still gives, nor how long it took: it hung."""
        self.is_abandoned = True

    def shrink(self) -> None:
        """Do without the largest warm shapes: halve the slots of the largest grid."""
        self.shapes.shrink()
        self._settle_pace()

    def restore(self) -> None:
        """Let the shapes run again that `shrink` gave up."""
        self.shapes.restore()

    def warm_next(self, clock: Callable[[], float]) -> None:
        """Run the smallest cold shape once; it is warm once its kernels and its cost are known.

        One run at a time, so that a text that arrives meanwhile waits for no more than that.
        """
        shape = self.shapes.next_cold
        if shape is None:
            return
        grid = specimen(shape, n_jobs=2 ** (len(self.shapes.warm) % 9))
        start = clock()
        try:
            self.run(grid)
        except EngineFailed as error:
            _log.warning("%s: %s", self.name, error)
            self.failed(shape)
            return
        self.shapes.rehearse(shape, max(clock() - start, LEAST_S) / self.correction)
        self._settle_pace()

    def _settle_pace(self) -> None:
        best = self.shapes.seconds_per_token
        self.seconds_per_token = best * self._pace.looseness * self._pace.correction


def _is_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    said = str(error).lower()
    return any(words in said for words in _NO_MEMORY)


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
