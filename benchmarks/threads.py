"""Processor time by thread, grouped by what the threads do."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.process import TICKS_PER_S

LOOP, ENGINE = "event loop", "engine"
SLOT_NOTE = (
    "Slots choose and fill grids, and wait while they run; what the metric counts as the "
    "engine's is both of them while a grid runs."
)


@dataclass(frozen=True)
class Thread:
    """One thread at one moment; `started` is in ticks since boot."""

    tid: int
    name: str
    started: int
    cpu_s: float


def grouped(
    threads: Iterable[Thread], pid: int, groups: Mapping[str, str]
) -> dict[str, float] | None:
    """Seconds by group, or None where no thread has a name of the server's own.

    The main thread runs the event loop; `groups` says what others do, by how their names begin;
    whatever is left belongs to the engine. A thread that an engine makes takes over the name of the
    thread that it was made by, so of equal names only the oldest counts.
    """
    seconds = dict.fromkeys((LOOP, *groups.values(), ENGINE), 0.0)
    seen: set[str] = set()
    n_found = 0
    for thread in sorted(threads, key=lambda thread: (thread.started, thread.tid)):
        named = None if thread.name in seen else _named(thread.name, groups)
        seen.add(thread.name)
        n_found += named is not None
        seconds[LOOP if thread.tid == pid else named or ENGINE] += thread.cpu_s
    return seconds if n_found else None


def _named(name: str, groups: Mapping[str, str]) -> str | None:
    return next((group for start, group in groups.items() if name.startswith(start)), None)


def ms_by_group(
    before: Mapping[str, float] | None, after: Mapping[str, float] | None, n: int
) -> dict[str, float]:
    """Milliseconds for each of `n` texts between two moments; nothing where groups are unknown."""
    if before is None or after is None:
        return {}
    return {group: max(0.0, after[group] - before[group]) * 1000 / max(1, n) for group in after}


def threads_of(pid: int) -> Iterator[Thread]:
    """The threads of a process, from /proc/PID/task/TID/stat."""
    with suppress(OSError):  # it has ended
        for folder in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):  # the thread has
                yield read_thread((folder / "stat").read_text())


def read_thread(stat: str) -> Thread:
    """A thread from its line; its name may hold blanks and brackets."""
    head, _, tail = stat.rpartition(")")
    tid, _, name = head.partition(" (")
    fields = tail.split()
    ticks = int(fields[11]) + int(fields[12])
    return Thread(int(tid), name, int(fields[19]), ticks / TICKS_PER_S)
