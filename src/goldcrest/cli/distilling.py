"""Shows a running distillation: a bar on a terminal, else a line on stderr now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goldcrest.distill.watch import Watch

_LINE_S = 10.0


class Lines:
    """Says it in lines on stderr."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._title, self._total = clock, "", 0
        self._began = self._said = 0.0
        self._first: int | None = None

    def begin(self, title: str, total: int) -> None:
        self._title, self._total, self._first = title, total, None
        self._began = self._said = self._clock()
        self.say(title)

    def advance(self, done: int, figures: str) -> None:
        now = self._clock()
        self._first = done if self._first is None else self._first
        if now - self._said < _LINE_S and done < self._total:
            return
        self._said = now
        n_left = self._total - done
        pace = (done - self._first) / max(1e-9, now - self._began)
        left = f"{_span(n_left / pace)} left" if pace > 0 and n_left else ""
        said = "; ".join(part for part in (figures, left) if part)
        self.say(f"  {done:,} of {self._total:,}{f': {said}' if said else ''}")

    def say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)


class Bar:
    """Shows it on a terminal.

    Args:
        bar: rich's progress display, running.
    """

    def __init__(self, bar: Any) -> None:
        self._bar, self._task = bar, bar.add_task("", total=None, figures="")

    def begin(self, title: str, total: int) -> None:
        self._bar.remove_task(self._task)
        self._task = self._bar.add_task(title, total=total or None, figures="")

    def advance(self, done: int, figures: str) -> None:
        self._bar.update(self._task, completed=done, figures=figures)

    def say(self, line: str) -> None:
        self._bar.console.print(line, highlight=False)


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def watching() -> Iterator[Watch]:
    """Yield something that shows a distillation on stderr."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield Bar(bar)
