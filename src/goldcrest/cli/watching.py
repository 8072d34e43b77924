"""Shows a running load test: live on a terminal, else a line on stderr now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from goldcrest.loadtest.columns import Chunk
from goldcrest.loadtest.progress import Recent, line
from goldcrest.loadtest.result import Step
from goldcrest.loadtest.trial import Watch

_LINE_S = 5.0


class Lines:
    """Says it in lines on stderr."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._recent, self._said = clock, Recent(), 0.0

    def begin(self, title: str, seconds: float) -> None:
        now = self._clock()
        self._recent, self._said = Recent(began=now), now
        print(f"{title}, {seconds:.0f} s", file=sys.stderr, flush=True)

    def seen(self, chunk: Chunk) -> None:
        now = self._clock()
        moment = self._recent.add(chunk, now)
        if now - self._said >= _LINE_S:
            self._said = now
            print(f"  {moment}", file=sys.stderr, flush=True)

    def end(self, step: Step) -> None:
        print(line(step), file=sys.stderr, flush=True)


class Bar:
    """Shows it on a terminal.

    Args:
        bar: rich's progress display, running.
    """

    def __init__(self, bar: Any) -> None:
        self._bar, self._task, self._recent = bar, bar.add_task("", total=1.0, figures=""), Recent()

    def begin(self, title: str, seconds: float) -> None:
        self._recent = Recent(began=time.monotonic())
        self._bar.reset(self._task, total=seconds, description=title, figures="")

    def seen(self, chunk: Chunk) -> None:
        now = time.monotonic()
        moment = self._recent.add(chunk, now)
        self._bar.update(self._task, completed=now - self._recent.began, figures=str(moment))

    def end(self, step: Step) -> None:
        self._bar.console.print(line(step), highlight=False)


@contextmanager
def watching() -> Iterator[Watch]:
    """Yield something that shows a load test on stderr."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        TextColumn("{task.fields[figures]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield Bar(bar)
