"""What a probe does: it holds one candidate in a process of its own, and runs rounds when told to."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO

from goldcrest.artifact import open_artifact
from goldcrest.batching.lane import specimen
from goldcrest.compile.variants import tokenizer_of
from goldcrest.engine import Engine
from goldcrest.engine.choice import Candidate
from goldcrest.optimize.orders import (
    Failed,
    Opened,
    Order,
    Ready,
    Seen,
    Setup,
    Told,
    Warm,
    read_order,
    write,
)
from goldcrest.packing.cost import CostTable
from goldcrest.packing.grid import fill
from goldcrest.packing.ladder import ladder
from goldcrest.packing.plan import plan
from goldcrest.values import EncodeOptions, Encoding, Grid, Plan, Shape

N_LONE = 12
_OFFERED = 512
"""Texts of the backlog that are offered to a plan; as many as a lane offers."""
_TOO_SLOW = 1.5
"""Shapes predicted to take so many times the objective are left cold: none would be chosen."""


@dataclass(frozen=True, slots=True)
class House:
    """What a probe needs of its process.

    Attributes:
        open_engine: compiles a candidate's graph for a number of threads.
        tidy: called after work that leaves freed memory behind.
        resident: bytes of the process at this moment.
    """

    open_engine: Callable[[Path, Candidate, int], Engine]
    tidy: Callable[[], None]
    resident: Callable[[], int]


def serve(orders: Iterable[bytes], output: IO[bytes], house: House) -> None:
    """Do what the orders say, until they end."""
    probe: Probe | None = None
    for line in orders:
        order = read_order(line)
        try:
            told: Told = Opened()
            if isinstance(order, Setup):
                probe = Probe(order, house)
            elif probe is not None:
                told = probe.obey(order)
            else:
                continue
        except Exception as error:  # noqa: BLE001  # runtimes raise anything; who asked is told
            told = Failed(f"{type(error).__name__}: {error}")
        write(output, told)


class Probe:
    """One candidate: does what a server does before its first answer, and gives one.

    Args:
        setup: which, and what it will run.
        house: what the process offers.

    Raises:
        Exception: whatever the artifact or the runtime raises.
    """

    def __init__(self, setup: Setup, house: House) -> None:
        self._setup, self._house = setup, house
        self._before = house.resident()
        artifact = open_artifact(Path(setup.artifact))
        artifact.verify(setup.variant)
        candidate = Candidate(setup.precision, setup.variant, setup.hint)
        file = artifact.variant(setup.variant)
        self._engine = house.open_engine(file, candidate, setup.n_threads)
        self._max_length = artifact.manifest.max_length
        tokenizer, options = tokenizer_of(artifact), EncodeOptions(max_length=self._max_length)
        self._encodings = [tokenizer.encode(item, options) for item in setup.items]
        self._grids: list[Grid] = []
        self._lone: list[Grid] = []
        self._run(alone(self._encodings[0], ladder(self._max_length)))

    def obey(self, order: Order) -> Told:
        return self._warm() if isinstance(order, Warm) else self._round()

    def _warm(self) -> Ready:
        """Learn what the shapes cost, and form the grids that a server would."""
        setup, lengths = self._setup, [encoding.n_tokens for encoding in self._encodings]
        shapes = ladder(self._max_length, max_tokens=setup.max_tokens)
        costs = CostTable()
        for shape in worth_warming(shapes, costs, max(lengths), objective_s=setup.objective_s):
            costs.put(shape, self._least_s(shape))
        known = costs.costs(costs.measured)
        chosen = [self._encodings[place] for place in spread(lengths, N_LONE)]
        self._lone = [alone(one, sorted(known, key=known.__getitem__)) for one in chosen]
        self._grids = list(backlog(self._encodings, known, objective_s=setup.objective_s))
        for grid in chain(self._grids, self._lone):  # other numbers of picks, other kernels
            self._run(grid)
        self._house.tidy()
        return Ready(
            n_texts=len(self._encodings), n_tokens=sum(lengths), grid=most_used(self._grids)
        )

    def _round(self) -> Seen:
        seconds = sum(self._run(grid) for grid in self._grids)
        lone_s = tuple(self._run(grid) for grid in self._lone)
        grown = max(0, self._house.resident() - self._before) if self._before else 0
        return Seen(seconds=seconds, lone_s=lone_s, grown_bytes=grown)

    def _least_s(self, shape: Shape) -> float:
        """The first run compiles kernels; of the others the least, for noise only ever adds."""
        grid = specimen(shape, n_jobs=2 * shape.rows)
        self._run(grid)
        return min(self._run(grid) for _ in range(2))

    def _run(self, grid: Grid) -> float:
        start = time.perf_counter()
        self._engine.run(grid)
        return max(time.perf_counter() - start, 1e-6)


def worth_warming(
    shapes: Sequence[Shape], costs: CostTable, longest: int, *, objective_s: float
) -> Iterable[Shape]:
    """Yield the shapes that a plan could choose, as far as the costs measured meanwhile tell.

    Args:
        shapes: of the ladder, smallest first.
        costs: filled by the caller, shape by shape.
        longest: tokens of the longest text, which some shape must hold.
        objective_s: the longest that a grid should take.
    """
    holds_all = next(shape for shape in shapes if shape.width >= longest)
    for shape in shapes:
        is_needed = shape.rows == 1 and shape.n_slots <= holds_all.n_slots
        if is_needed or (costs.seconds(shape) or 0.0) <= _TOO_SLOW * objective_s:
            yield shape


def backlog(
    encodings: Sequence[Encoding], costs: dict[Shape, float], *, objective_s: float
) -> Iterable[Grid]:
    """The grids in which a server would run texts that all wait at once."""
    left = list(encodings)
    while left:
        offered = left[:_OFFERED]
        lengths = [encoding.n_tokens for encoding in offered]
        planned = plan(lengths, costs, objective_s=objective_s)
        yield fill(planned, offered)
        taken = set(planned.chosen)
        left = [one for place, one in enumerate(left) if place not in taken]


def alone(encoding: Encoding, shapes: Sequence[Shape]) -> Grid:
    """A text by itself, in the first shape that holds it."""
    shape = next(shape for shape in shapes if shape.width >= encoding.n_tokens)
    return fill(Plan(shape, ((0,),)), [encoding])


def spread(lengths: Sequence[int], n: int) -> list[int]:
    """The places of so many texts from the shortest to the longest, at equal distances in rank."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    n = min(n, len(order))
    return [order[(2 * number + 1) * len(order) // (2 * n)] for number in range(n)]


def most_used(grids: Sequence[Grid]) -> str:
    """The shape that runs the most tokens."""
    tokens: Counter[str] = Counter()
    for grid in grids:
        tokens[str(grid.shape)] += grid.n_tokens
    return tokens.most_common(1)[0][0]
