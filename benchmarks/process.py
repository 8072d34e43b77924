"""Processes that the benchmark starts: each in a group of its own, ended whatever happens."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

GRACE_S = 5.0
KILL_S = 10.0
POLL_S = 0.05
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class BenchmarkError(Exception):
    """The benchmark, or one server in it, cannot go on; the message says why."""


@dataclass(frozen=True)
class Usage:
    """What a session of processes has used of the processor, and holds in memory."""

    cpu_s: float
    resident_bytes: int


@dataclass(frozen=True)
class MachineTime:
    """Seconds that all cores were busy, and that the host took away, since boot."""

    busy_s: float
    stolen_s: float


@dataclass(frozen=True)
class Started:
    """A running process, the leader of its own session."""

    process: subprocess.Popen[bytes]
    log: Path
    started_at: float

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def usage(self) -> Usage:
        """The usage of this process and all its descendants, by their session."""
        stats = [s for s in _all_stats() if int(s[3]) == self.process.pid]
        ticks = sum(int(value) for stat in stats for value in stat[11:15])
        pages = sum(int(stat[21]) for stat in stats)
        return Usage(ticks / TICKS_PER_S, pages * PAGE_BYTES)

    def last_words(self, n_lines: int = 15) -> str:
        """The end of what it printed."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-n_lines:])


def _all_stats() -> Iterator[list[str]]:
    """The fields after the name in /proc/PID/stat, of every process."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):  # it ended while we looked
                yield (folder / "stat").read_text().rpartition(")")[2].split()


def machine_time() -> MachineTime:
    """The counters of all cores together."""
    line = Path("/proc/stat").read_text().partition("\n")[0]
    user, nice, system, _, _, irq, softirq, steal = (int(v) for v in line.split()[1:9])
    busy = user + nice + system + irq + softirq
    return MachineTime(busy / TICKS_PER_S, steal / TICKS_PER_S)


@contextmanager
def started(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    folder: Path,
    log: Path,
    enter: Callable[[], None] | None = None,
) -> Iterator[Started]:
    """Starts a process and ends its whole group on the way out, by force if need be.

    ``enter`` is called in the process before the command.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    started_at = time.perf_counter()
    with log.open("wb") as output:
        process = _open(command, {**os.environ, **env}, folder, output, enter)
    try:
        yield Started(process, log, started_at)
    finally:
        end_group(process)


def _open(
    command: Sequence[str],
    env: dict[str, str],
    folder: Path,
    output: IO[bytes],
    enter: Callable[[], None] | None,
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            env=env,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=enter,  # noqa: PLW1509  # no thread runs yet
            start_new_session=True,
        )
    except OSError as error:
        raise BenchmarkError(f"cannot start {command[0]}: {error.strerror}") from error


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Asks the process to end, then kills its whole group: some servers ignore the question."""
    try:
        _signal_group(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
    finally:  # also when the waiting itself is interrupted
        _signal_group(process, signal.SIGKILL)
        process.wait(KILL_S)


def _signal_group(process: subprocess.Popen[bytes], sign: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, sign)


def run_to_end(
    command: Sequence[str], *, folder: Path, log: Path, env: Mapping[str, str] | None = None
) -> None:
    """Runs a command and says what it printed last when it fails."""
    with started(command, env=env or {}, folder=folder, log=log) as run:
        while run.is_running:
            time.sleep(POLL_S)
        if run.process.returncode:
            raise BenchmarkError(f"{' '.join(command[:6])} ... failed:\n{run.last_words()}")
