"""How far the outputs of a graph are from those of the float graph, on some texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from goldcrest.artifact import Manifest
from goldcrest.engine import Engine
from goldcrest.engine.choice import Candidate
from goldcrest.heads.reading import reader
from goldcrest.values import Floats, Grid

N_GRIDS = 6
"""Grids that are compared: some 3,000 tokens."""


class Yardstick:
    """Compares graphs with the float one.

    Args:
        grids: to run; the first `N_GRIDS` of them are used.
        manifest: of the artifact, for how outputs are read.
        open_engine: compiles a graph.
        reference: the float graph.
    """

    def __init__(
        self,
        grids: Sequence[Grid],
        manifest: Manifest,
        *,
        open_engine: Callable[[Path, Candidate], Engine],
        reference: Path,
    ) -> None:
        self._grids = grids[:N_GRIDS]
        self._read = reader(manifest.task, manifest.pooling)
        self._open = open_engine
        self._expected = self._outputs(reference, Candidate("f32", "f32", "f32"))

    def error(self, graph: Path, candidate: Candidate) -> float:
        """How far its outputs are off, in standard deviations of those of the float graph.

        It is the root of the mean square; infinite where an output is no finite number.
        """
        real = self._outputs(graph, candidate)
        if not np.isfinite(real).all():
            return float("inf")
        off = np.sqrt(np.square(real - self._expected, dtype=np.float64).mean())
        return float(off / max(float(self._expected.std()), 1e-12))

    def _outputs(self, graph: Path, candidate: Candidate) -> Floats:
        engine = self._open(graph, candidate)
        try:
            found = [
                np.ravel(numbers)
                for grid in self._grids
                for numbers in self._read(engine.run(grid), grid)
            ]
        finally:
            engine.close()
        return np.concatenate(found)
