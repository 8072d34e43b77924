"""Says on the terminal which step of a long task runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def steps() -> Iterator[Callable[[str], None]]:
    """Yield a function that shows a step: a progress bar on a terminal, else a line on stderr.

    An empty step says that all are done; the bar goes, and comes back with the next step.
    """
    if not sys.stderr.isatty():
        yield _print
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task("", total=None)

    def show(step: str) -> None:
        bar.update(task, description=step)
        if step:
            bar.start()
        else:
            bar.stop()

    try:
        yield show
    finally:
        bar.stop()


def _print(step: str) -> None:
    if step:
        print(step, file=sys.stderr)
