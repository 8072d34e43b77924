"""What memory the process has, and what the C library keeps of it after it was freed.

Without ``/proc`` the process does not know its size, which is then given as 0; without glibc nothing
is given back.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path
from typing import Any

_M_ARENA_MAX = -8  # malloc.h
_STATM = Path("/proc/self/statm")
MIB = 2**20


@cache
def _glibc() -> Any | None:
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") else None


def share_one_arena() -> None:
    """Let all threads allocate from one arena: each one more would keep its own freed memory."""
    if (library := _glibc()) is not None:
        library.mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Return freed memory to the system, as after a compilation."""
    if (library := _glibc()) is not None:
        library.malloc_trim(0)


def resident_bytes() -> int:
    """What the process holds in memory at this moment; 0 where that cannot be told."""
    try:
        pages = int(_STATM.read_bytes().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def mib(n_bytes: float) -> str:
    """A number of bytes as it is said in messages."""
    return f"{n_bytes / MIB:,.0f} MiB"
