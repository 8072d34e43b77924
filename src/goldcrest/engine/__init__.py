"""Where grids run: the Engine protocol and one file per runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from goldcrest.values import Arrays, Grid


class Engine(Protocol):
    """Runs grids of one version, synchronously, on the calling thread's behalf."""

    @property
    def precision(self) -> str:
        """What runs, such as ``"int8"`` or ``"bf16"``."""
        ...

    def run(self, grid: Grid) -> Arrays:
        """Run one grid; the arrays are valid until the same thread runs the next.

        Raises:
            Exception: whatever the runtime raises; the caller turns it into ``EngineFailed``.
        """
        ...

    def copy(self, folder: Path, rest: Callable[[float], object]) -> Engine:
        """Open another engine of the same graph, in a fraction of what compiling it takes.

        Args:
            folder: on whose disk there is room for the compiled graph.
            rest: called after each step with the seconds that it took.

        Raises:
            OSError: there is no such room.
            EngineFailed: the runtime cannot do it.
        """
        ...

    def close(self) -> None:
        """Free what the engine holds; it runs nothing afterwards."""
        ...
