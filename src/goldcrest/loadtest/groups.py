"""Control groups that hold a process to a part of the machine, in Linux's newer form and its older.

The newer form has one tree for all that can be limited, the older one a tree for each. Source:
https://docs.kernel.org/admin-guide/cgroup-v2.html and .../cgroup-v1/memory.html.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from goldcrest.config.machine import control_groups

GROUPS, OWN_GROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
_PERIOD_US = 100_000
_MIB = 2**20
_SWAP = {"memory.swap.max", "memory.memsw.limit_in_bytes"}
"""Passed over where it cannot be written: a system without swap has nothing to limit."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is asked for; 0 means no limit."""

    cpus: float = 0.0
    memory_mib: int = 0


def made(limits: Limits, groups: Path, own: Path) -> tuple[Path, ...]:
    """Make groups below our own with these limits, so that what holds us holds the server too.

    Args:
        limits: what is asked for.
        groups: where the control groups are mounted.
        own: the file that says which group this process is in.

    Returns:
        Their folders: one in the newer form, one for each limit in the older; none where there is no
        limit, or the system does not let us set all.
    """
    wanted = [("cpu", limits.cpus), ("memory", limits.memory_mib)]
    names = [name for name, amount in wanted if amount]
    return _newer(names, limits, next(control_groups(groups, own))) or _older(
        names, limits, {name: next(control_groups(groups / name, own, name)) for name in names}
    )


def left(folders: tuple[Path, ...]) -> None:
    """Take groups away again, once nothing runs in them."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _newer(names: list[str], limits: Limits, parent: Path) -> tuple[Path, ...]:
    given = parent / "cgroup.subtree_control"
    if not names or not given.is_file() or not set(names) <= set(given.read_text().split()):
        return ()
    return _filled({parent: [line for name in names for line in _newer_lines(name, limits)]})


def _older(names: list[str], limits: Limits, parents: dict[str, Path]) -> tuple[Path, ...]:
    if not all((parent / "cgroup.procs").is_file() for parent in parents.values()):
        return ()
    return _filled({parents[name]: list(_older_lines(name, limits)) for name in names})


def _filled(lines: dict[Path, list[tuple[str, str]]]) -> tuple[Path, ...]:
    """Make a group in each folder and write its files; none is left where one cannot be made."""
    folders: list[Path] = []
    try:
        for parent, files in lines.items():
            folder = parent / f"goldcrest-loadtest-{os.getpid()}"
            folder.mkdir()
            folders.append(folder)
            for name, text in files:
                with suppress(OSError) if name in _SWAP else nullcontext():
                    (folder / name).write_text(text)
    except OSError:
        left(tuple(folders))
        return ()
    return tuple(folders)


def _newer_lines(controller: str, limits: Limits) -> Iterator[tuple[str, str]]:
    if controller == "memory":
        yield "memory.max", str(limits.memory_mib * _MIB)
        yield "memory.swap.max", "0"
    else:
        yield "cpu.max", f"{int(limits.cpus * _PERIOD_US)} {_PERIOD_US}"


def _older_lines(controller: str, limits: Limits) -> Iterator[tuple[str, str]]:
    if controller == "memory":
        yield "memory.limit_in_bytes", str(limits.memory_mib * _MIB)
        yield "memory.memsw.limit_in_bytes", str(limits.memory_mib * _MIB)  # memory and swap
    else:
        yield "cpu.cfs_period_us", str(_PERIOD_US)
        yield "cpu.cfs_quota_us", str(int(limits.cpus * _PERIOD_US))
