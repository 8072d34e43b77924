"""What the C library keeps of freed memory; without glibc nothing is done."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

_M_ARENA_MAX = -8  # malloc.h


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
