"""An engine without a model: answers that depend on a job's own tokens and on nothing else."""

from __future__ import annotations

from collections.abc import Callable, Collection
from copy import copy
from pathlib import Path
from threading import Event

import numpy as np

from goldcrest.names import Readable
from goldcrest.values import Arrays, Floats, Grid, Ints, Shape


def fake_logits(ids: Ints, n_labels: int = 2) -> Floats:
    """What ``FakeEngine`` answers for these tokens. *Shape:* ``(n_labels,)``.

    Every token counts by its value and its place, so an answer that was computed from another
    job's tokens, or in another order, is a different one.
    """
    places = np.arange(1, len(ids) + 1)
    mixed = int((ids.astype(np.int64) * places).sum()) * 2_654_435_761 % 2**32
    return np.array([(mixed >> (8 * n % 25)) % 256 / 64 for n in range(n_labels)], np.float32)


class FakeEngine:
    """Runs a grid as fast as numpy adds, and remembers the shapes it ran.

    Attributes:
        shapes: that were run, in order.
        entered: set as soon as a run begins, even one that waits at the gate.
        hung: set as soon as a run hangs.

    Args:
        n_labels: numbers per job, or per token where the readout gives every one.
        readable: which readout it plays.
        poison: token ids on which a run fails.
        gate: if given, every run waits until it is set.
        hangs_on: token ids with which a run waits until ``release`` is called.
        max_slots: a larger grid finds no memory; None where all do.
        spend: told of every shape that runs; it may advance a clock.
    """

    def __init__(  # noqa: PLR0913  # each is a fault of its own, and all by name
        self,
        n_labels: int = 2,
        *,
        readable: Readable = "classify",
        poison: Collection[int] = (),
        gate: Event | None = None,
        hangs_on: Collection[int] = (),
        max_slots: int | None = None,
        spend: Callable[[Shape], None] = lambda _: None,
    ) -> None:
        self.precision = "fake"
        self.shapes: list[str] = []
        self.is_closed = False
        self.max_slots = max_slots
        self.entered, self.hung = Event(), Event()
        self._n_labels, self._poison, self._gate = n_labels, frozenset(poison), gate
        self._hangs_on, self._released = frozenset(hangs_on), Event()
        self._readable, self._spend = readable, spend

    def release(self) -> None:
        """Let the runs that hang come back."""
        self._released.set()

    def run(self, grid: Grid) -> Arrays:
        self.entered.set()
        if self._gate is not None:
            self._gate.wait()
        self.shapes.append(str(grid.shape))
        self._spend(grid.shape)
        ids = set(grid.input_ids.ravel().tolist()) if self._poison or self._hangs_on else set()
        if self._hangs_on & ids:
            self.hung.set()
            self._released.wait()
        if self.max_slots is not None and grid.shape.n_slots > self.max_slots:
            raise RuntimeError("std::bad_alloc")
        if self._poison & ids:
            raise RuntimeError(f"poisonous token in a grid of {grid.n_jobs}")
        if self._readable == "classify":
            return {"logits": np.stack(self._of_jobs(grid))}
        slots = self._of_slots(grid)
        if self._readable == "fill":
            return {"logits": slots[grid.picks]}
        return {"states" if self._readable == "embed" else "logits": slots}

    def copy(self, folder: Path, rest: Callable[[float], object]) -> FakeEngine:
        another = copy(self)
        another.shapes, another.is_closed = [], False
        return another

    def close(self) -> None:
        self.is_closed = True

    def _of_jobs(self, grid: Grid) -> list[Floats]:
        flat = grid.input_ids.ravel()
        jobs = zip(grid.starts.tolist(), grid.lengths.tolist(), strict=True)
        return [fake_logits(flat[start : start + n], self._n_labels) for start, n in jobs]

    def _of_slots(self, grid: Grid) -> Floats:
        """For every token a row that depends on its text and its place. *Shape:* ``(slots, n)``."""
        slots = np.zeros((grid.input_ids.size, self._n_labels), np.float32)
        rows = zip(grid.starts.tolist(), self._of_jobs(grid), grid.lengths.tolist(), strict=True)
        for start, row, length in rows:
            places = np.arange(1, length + 1, dtype=np.float32)[:, None]
            slots[start : start + length] = (row + places) % 4
        return slots
