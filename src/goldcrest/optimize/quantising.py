"""Makes INT8 in several ways, takes the one nearest to f32, and keeps in float what the gate needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from goldcrest.compile.blocks import blocks, restored
from goldcrest.compile.quantize import quantize
from goldcrest.compile.scheme import Scheme
from goldcrest.engine.choice import Candidate
from goldcrest.errors import QuantizeFailed
from goldcrest.optimize.outputs import Yardstick
from goldcrest.optimize.result import Kept, SchemeTried
from goldcrest.optimize.sensitivity import fewest, ranked
from goldcrest.optimize.watch import Watch
from goldcrest.optimize.workbench import Workbench
from goldcrest.values import Grid

SCHEMES = (Scheme(), Scheme(smooth_quant=0.5), Scheme(smooth_quant=None))
MORE = (Scheme(smooth_quant=0.75), Scheme(is_symmetric=True))
"""Tried as well where everything is."""

INT8 = Candidate("int8", "int8", "f32")
_MOST = 0.5
"""Share of the blocks that may stay in float: with more of them INT8 is no longer worth the name."""


@dataclass(frozen=True, slots=True)
class Made:
    """INT8 as it was made.

    Attributes:
        model: the quantised graph.
        file: where it lies.
    """

    scheme: Scheme
    model: Any
    file: Path


class Quantising:
    """Makes INT8 of one float graph.

    Args:
        model: the float graph.
        grids: to calibrate on.
        yardstick: says how far from the float graph another one is.
        bench: where graphs lie.
        watch: told of each step.

    Attributes:
        schemes: what was tried.
    """

    def __init__(
        self,
        model: Any,
        grids: Sequence[Grid],
        *,
        yardstick: Yardstick,
        bench: Workbench,
        watch: Watch,
    ) -> None:
        self._model, self._grids, self._yardstick = model, grids, yardstick
        self._bench, self._watch = bench, watch
        self.schemes: list[SchemeTried] = []

    def best(self, schemes: Sequence[Scheme]) -> Made:
        """Try schemes and keep the one whose outputs are the nearest.

        Raises:
            QuantizeFailed: none of them works; the first one's reason.
        """
        best: Made | None = None
        least, problem = float("inf"), ""
        for scheme in schemes:
            self._watch.begin(f"quantising to INT8: {scheme}")
            began = time.monotonic()
            try:
                model = quantize(self._model, self._grids, scheme)
                error = self._error(model, "int8-tried")
            except Exception as raised:  # noqa: BLE001  # another scheme may work
                problem = problem or str(raised)
                self.schemes.append(SchemeTried(scheme=str(scheme), problem=str(raised)))
                continue
            seconds = time.monotonic() - began
            self.schemes.append(SchemeTried(scheme=str(scheme), error=error, seconds=seconds))
            self._watch.say(f"int8 by {scheme}: error {error:.3f}")
            if best is None or error < least:
                best, least = Made(scheme, model, self._bench.put(model, "int8")), error
        if best is None:
            raise QuantizeFailed(problem)
        return best

    def mended(self, made: Made, passes: Callable[[Path], bool]) -> tuple[Made | None, Kept]:
        """Keep the most sensitive blocks in float, just as many as it takes to pass.

        Args:
            made: what does not pass.
            passes: measures whether a graph keeps enough quality.

        Returns:
            What passes, or None; and what was found out.
        """
        names = list(blocks(self._model))
        errors: dict[str, float] = {}
        self._watch.begin("finding the blocks that lose the most")
        for number, name in enumerate(names):
            errors[name] = self._error(restored(made.model, self._model, [name]), "int8-tried")
            self._watch.seen(number + 1, len(names))

        def is_enough(kept: tuple[str, ...]) -> bool:
            return passes(self._with(made, kept).file)

        kept = fewest(ranked(errors), is_enough, most=int(_MOST * len(names)))
        found = Kept(errors=errors, blocks=kept)
        return (None if kept is None else self._with(made, kept)), found

    def _with(self, made: Made, kept: tuple[str, ...]) -> Made:
        model = restored(made.model, self._model, kept)
        file = self._bench.put(model, "int8-mended")
        return Made(replace(made.scheme, kept_in_float=kept), model, file)

    def _error(self, model: Any, name: str) -> float:
        return self._yardstick.error(self._bench.put(model, name), INT8)
