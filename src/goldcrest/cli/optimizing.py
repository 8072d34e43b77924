"""Shows a running optimisation: a bar on a terminal, else a line on stderr per step."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from goldcrest.cli.counting import Lines as Counted
from goldcrest.optimize.watch import Watch


class Lines:
    """A line for each step, and one now and then within it."""

    def __init__(self) -> None:
        self._counted = Counted("", "")

    def begin(self, step: str) -> None:
        self.say(step)
        self._counted = Counted(f"  {step}", "done")

    def seen(self, done: int, total: int) -> None:
        self._counted(done, total)

    def say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)


class Bar:
    """Shows the step on a terminal, and what was found above it.

    Args:
        bar: rich's progress display, running.
    """

    def __init__(self, bar: Any) -> None:
        self._bar, self._task = bar, bar.add_task("", total=None)

    def begin(self, step: str) -> None:
        self._bar.reset(self._task, total=None, description=step)

    def seen(self, done: int, total: int) -> None:
        self._bar.update(self._task, completed=done, total=total)

    def say(self, line: str) -> None:
        self._bar.console.print(line, highlight=False, markup=False)


@contextmanager
def optimizing() -> Iterator[Watch]:
    """Yield something that shows an optimisation on stderr."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield Bar(bar)
