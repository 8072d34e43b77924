"""What the machine leaves to this process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def usable_processors(
    *, groups: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")
) -> int:
    """Count the processors that affinity and the control groups' quotas leave to this process.

    Args:
        groups: where the control groups are mounted.
        own: the file that says which group this process is in.
    """
    return min([len(os.sched_getaffinity(0)), *_quotas(groups, own)])


def _quotas(groups: Path, own: Path) -> Iterator[int]:
    for folder in _folders(groups, own):
        if (folder / "cpu.max").is_file():
            yield from _whole(*(folder / "cpu.max").read_text().split())
    older = groups / "cpu"
    if (older / "cpu.cfs_quota_us").is_file():
        texts = [(older / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period")]
        yield from _whole(*texts)


def _folders(groups: Path, own: Path) -> Iterator[Path]:
    """Yield the group of this process and all above it; a quota may stand at any."""
    lines = own.read_text().splitlines() if own.is_file() else []
    within = next((line[3:] for line in lines if line.startswith("0::")), "/")
    group = groups / within.lstrip("/")
    while group != groups:
        yield group
        group = group.parent
    yield groups


def _whole(quota: str, period: str) -> Iterator[int]:
    if quota.strip().isdecimal():  # not "max", nor the older form's -1
        yield max(1, int(quota) // int(period))
