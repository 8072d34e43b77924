"""Shows which of a known number of steps runs: a bar on a terminal, else a line on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from goldcrest.compare.course import Watch


class Lines:
    """A line for each step."""

    def __init__(self) -> None:
        self._n_steps, self._n_begun = 0, 0

    def begin(self, n_steps: int) -> None:
        self._n_steps = n_steps

    def step(self, title: str) -> None:
        self._n_begun += 1
        print(f"{self._n_begun}/{self._n_steps} {title}", file=sys.stderr, flush=True)

    def tell(self, detail: str) -> None:
        pass


class Bar:
    """Shows it on a terminal.

    Args:
        bar: rich's progress display, running.
    """

    def __init__(self, bar: Any) -> None:
        self._bar, self._task, self._title = bar, bar.add_task("", total=None), ""

    def begin(self, n_steps: int) -> None:
        self._bar.update(self._task, total=n_steps)

    def step(self, title: str) -> None:
        advance = 1 if self._title else 0
        self._title = title
        self._bar.update(self._task, description=title, advance=advance)

    def tell(self, detail: str) -> None:
        shown = f"{self._title}: {detail}" if detail else self._title
        self._bar.update(self._task, description=shown)


@contextmanager
def stages() -> Iterator[Watch]:
    """Yield something that shows a comparison on stderr."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield Bar(bar)
