"""Runs a load driver in its own process."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.process import POLL_S, BenchmarkError, Started, started
from benchmarks.under_load.plan import Plan, Sight, read, write

ROOT = Path(__file__).parents[2]


@dataclass
class Driving:
    """A driver at work."""

    started: Started
    sight_file: Path

    def is_running(self) -> bool:
        return self.started.is_running

    def progress(self) -> str:
        """The last line it printed."""
        return self.started.last_words(1)

    def sight(self) -> Sight:
        """Waits for its end; what it saw.

        Raises:
            BenchmarkError: it failed.
        """
        while self.is_running():
            time.sleep(POLL_S)
        if self.started.process.returncode:
            raise BenchmarkError(f"the driver failed:\n{self.started.last_words()}")
        return read(self.sight_file, Sight)


@contextmanager
def driving(plan: Plan, home: Path) -> Iterator[Driving]:
    """Starts a driver beside what goes on here."""
    with tempfile.TemporaryDirectory(dir=home) as folder:
        asked, seen = Path(folder) / "plan", Path(folder) / "sight"
        write(asked, plan)
        command = (sys.executable, "-m", "benchmarks.under_load.driver", str(asked), str(seen))
        with started(command, env={}, folder=ROOT, log=Path(folder) / "driver.log") as run:
            yield Driving(run, seen)


def drive(plan: Plan, home: Path) -> Sight:
    """Runs a plan to its end."""
    with driving(plan, home) as run:
        return run.sight()


@dataclass
class Sampling:
    """What was read while something ran, with the moment of each reading in seconds since 1970."""

    rows: list[tuple[float, float]] = field(default_factory=list)

    @property
    def values(self) -> list[float]:
        return [value for _, value in self.rows]


@contextmanager
def every(period_s: float, act: Callable[[], None]) -> Iterator[None]:
    """Does something again and again, on a thread, until the end of the block.

    What it raises because a server is away just now is left out.
    """
    over = threading.Event()

    def work() -> None:
        while not over.wait(period_s):
            try:
                act()
            except (OSError, ValueError, KeyError):
                continue

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(10)


@contextmanager
def sampling(period_s: float, figure: Callable[[], float]) -> Iterator[Sampling]:
    """Reads a figure again and again."""
    found = Sampling()
    with every(period_s, lambda: found.rows.append((time.time(), figure()))):
        yield found
