"""Shows how much of a countable work is done: a bar on a terminal, else a line on stderr at times."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LINE_S = 5.0


@contextmanager
def counting(title: str, what: str = "rows") -> Iterator[Callable[[int, int], None]]:
    """Yield a function that shows how many are done, of how many.

    Args:
        title: what is done with them.
        what: they are.
    """
    if not sys.stderr.isatty():
        yield Lines(title, what)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(what),
        Remaining(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class Lines:
    """Says it in lines on stderr, now and then."""

    def __init__(self, title: str, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._title, self._what, self._clock = title, what, clock
        self._said = clock()

    def __call__(self, done: int, total: int) -> None:
        """Tell how many are done, if nothing was said for a while."""
        now = self._clock()
        if now - self._said >= _LINE_S:
            self._said = now
            line = f"{self._title}: {done} of {total} {self._what}"
            print(line, file=sys.stderr, flush=True)
