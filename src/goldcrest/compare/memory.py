"""What the system says of this process's memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of this process; 0 where the system does not tell.

    Attributes:
        resident: at this moment.
        peak: the most since it started.
    """

    resident: int = 0
    peak: int = 0


def memory(status: Path = _STATUS) -> Memory:
    """Read them; what ``getrusage`` calls the peak counts the parent that started a process too."""
    try:
        lines = status.read_text(encoding="utf-8").splitlines()
    except OSError:
        return Memory()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return Memory(_bytes(fields.get("VmRSS", "")), _bytes(fields.get("VmHWM", "")))


def _bytes(field: str) -> int:
    """Of a field such as ``  178280 kB``."""
    number, _, unit = field.strip().partition(" ")
    return int(number) * 1024 if number.isdecimal() and unit == "kB" else 0
