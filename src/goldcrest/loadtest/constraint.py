"""Holds a server that a test started to a part of the machine, and says how well that is done."""

from __future__ import annotations

import os
import re
import resource
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from goldcrest.errors import ConfigError
from goldcrest.loadtest.groups import GROUPS, OWN_GROUP, Limits, left, made
from goldcrest.loadtest.subject import Constraint

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMG])i?B?", re.IGNORECASE)
_TO_MIB = {"k": 1 / 1024, "m": 1.0, "g": 1024.0}
_DATA_TIMES = 2.0
"""The limit on private memory, over the memory asked for: a process maps about twice what it uses
(448 MB for 236 MB resident with the built-in model), so a lower one would end it for nothing."""


def read_mib(text: str) -> int:
    """Read a size such as ``512M`` or ``2G``, in MiB.

    Raises:
        ConfigError: it is not written so, or below 64 MiB.
    """
    found = _SIZE.fullmatch(text.strip())
    mib = int(float(found[1]) * _TO_MIB[found[2].lower()]) if found else 0
    if mib < 64:
        raise ConfigError(f"--limit-memory {text!r} is not valid; write 512M or 2G, at least 64M")
    return mib


@dataclass(frozen=True, slots=True)
class Hold:
    """How a server is held.

    Attributes:
        constraint: for the report.
        cores: that the server runs on; None for all.
        client_cores: that are left to the client; None where none are.
        groups: the control groups it is put in; none where none can be made.
        data_bytes: the most private memory it may map; 0 for no limit.
    """

    constraint: Constraint
    cores: frozenset[int] | None
    client_cores: frozenset[int] | None
    groups: tuple[Path, ...]
    data_bytes: int

    def enter(self) -> Callable[[], None]:
        """What the server's process does before it starts; no lock may be taken in it."""
        groups, cores, data_bytes = self.groups, self.cores, self.data_bytes

        def apply() -> None:
            for group in groups:
                (group / "cgroup.procs").write_text(str(os.getpid()))
            if cores is not None:
                os.sched_setaffinity(0, cores)
            if data_bytes:
                resource.setrlimit(resource.RLIMIT_DATA, (data_bytes, data_bytes))

        return apply

    def release(self) -> None:
        """Take the control groups away again."""
        left(self.groups)


def hold(
    limits: Limits, *, usable: frozenset[int], groups: Path = GROUPS, own: Path = OWN_GROUP
) -> Hold:
    """Decide how to hold a server, and prepare it.

    Args:
        limits: what is asked for.
        usable: cores that this process may run on.
        groups: where the control groups are mounted.
        own: the file that says which group this process is in.
    """
    n_cores = ceil(limits.cpus) if limits.cpus else 0
    has_cores = 0 < n_cores <= len(usable)
    cores = frozenset(sorted(usable)[:n_cores]) if has_cores else None
    rest = usable - cores if cores is not None else frozenset()
    entered = made(limits, groups, own)
    means, caveats = _told(limits, cores, rest, has_group=bool(entered))
    data_bytes = 0 if entered else int(limits.memory_mib * 2**20 * _DATA_TIMES)
    return Hold(
        constraint=Constraint(
            cpus=limits.cpus, memory_mib=limits.memory_mib, means=means, caveats=caveats
        ),
        cores=cores,
        client_cores=rest or None,
        groups=entered,
        data_bytes=data_bytes,
    )


def _told(
    limits: Limits, cores: frozenset[int] | None, rest: frozenset[int], *, has_group: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    means, caveats = [], []
    if has_group:
        means.append("a control group of its own")
    if cores is not None:
        means.append(f"affinity to cores {', '.join(map(str, sorted(cores)))}")
        if not rest:
            caveats.append("The client has no core of its own: it competes with the server.")
    if limits.cpus and not has_group:
        caveats.append("Without a control group, other processes may use the server's cores too.")
        if limits.cpus != ceil(limits.cpus):
            caveats.append(f"{limits.cpus:g} cores were rounded up to {ceil(limits.cpus)}.")
    if limits.memory_mib and not has_group:
        means.append("the setting memory.limit_mib, and a limit on private memory (RLIMIT_DATA)")
        caveats.append(
            "Without a control group, nothing ends the server just above its memory: it may map "
            f"{_DATA_TIMES:g} times as much. Its resident memory, which is reported, tells."
        )
    return tuple(means), tuple(caveats)
