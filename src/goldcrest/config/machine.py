"""What the machine leaves to this process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, order=True)
class Processor:
    """A processor as the system numbers it; those of the same core share its arithmetic."""

    package: int
    core: int
    number: int


def processors(*, folder: Path = Path("/sys/devices/system/cpu")) -> tuple[Processor, ...]:
    """The processors that this process may run on, and where each sits.

    Args:
        folder: where the system describes them; without it, each is taken for a core of its own.
    """
    return tuple(_processor(number, folder) for number in sorted(os.sched_getaffinity(0)))


def _processor(number: int, folder: Path) -> Processor:
    topology = folder / f"cpu{number}" / "topology"
    try:
        package, core = (
            int((topology / name).read_text()) for name in ("physical_package_id", "core_id")
        )
    except (OSError, ValueError):
        return Processor(0, number, number)
    return Processor(package, core, number)


def usable_processors(
    *, groups: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")
) -> int:
    """Count the processors that affinity and the control groups' quotas leave to this process.

    Args:
        groups: where the control groups are mounted.
        own: the file that says which group this process is in.
    """
    return min([len(os.sched_getaffinity(0)), *_quotas(groups, own)])


def usable_memory(
    *, groups: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")
) -> int:
    """Bytes that the control groups, or else the machine itself, leave to this process.

    Args:
        groups: where the control groups are mounted.
        own: the file that says which group this process is in.
    """
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([physical, *_bounds(groups, own)])


def _bounds(groups: Path, own: Path) -> Iterator[int]:
    for folder in control_groups(groups, own):
        yield from _bytes(folder / "memory.max")
        yield from _bytes(folder / "memory.high")
    for folder in control_groups(groups / "memory", own, "memory"):
        yield from _bytes(folder / "memory.limit_in_bytes")


def _bytes(file: Path) -> Iterator[int]:
    text = file.read_text().strip() if file.is_file() else ""
    if text.isdecimal() and int(text):  # not "max"
        yield int(text)


def _quotas(groups: Path, own: Path) -> Iterator[int]:
    for folder in control_groups(groups, own):
        if (folder / "cpu.max").is_file():
            yield from _whole(*(folder / "cpu.max").read_text().split())
    for folder in control_groups(groups / "cpu", own, "cpu"):
        if (folder / "cpu.cfs_quota_us").is_file():
            texts = [(folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period")]
            yield from _whole(*texts)


def control_groups(groups: Path, own: Path, controller: str = "") -> Iterator[Path]:
    """Yield the group of this process and all above it; a quota may stand at any.

    Args:
        groups: where they are mounted.
        own: the file that says which one this process is in.
        controller: of the older form, where each has groups of its own.
    """
    lines = own.read_text().splitlines() if own.is_file() else []
    fields = (line.split(":", 2) for line in lines if line.count(":") > 1)
    within = next((path for _, names, path in fields if controller in names.split(",")), "/")
    group = groups / within.lstrip("/")
    while group != groups:
        yield group
        group = group.parent
    yield groups


def _whole(quota: str, period: str) -> Iterator[int]:
    if quota.strip().isdecimal():  # not "max", nor the older form's -1
        yield max(1, int(quota) // int(period))
