"""Turns: processes that would do the same work do it one after the other."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

_LOOK_S = 0.05


@contextmanager
def turn(file: Path, *, patience_s: float) -> Iterator[bool]:
    """Wait for the turn at a file, and have it until the block ends.

    The system lets a lock go when its holder dies. Where there can be no lock, because the folder
    is read-only or the disk is full, and where patience ends, the block runs all the same: work
    that is done twice is better than none, as long as its result takes its place in one step.

    Args:
        file: beside what the work is about; it is made, and stays.
        patience_s: how long to wait for others.

    Yields:
        Whether nobody else has the turn.
    """
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
    try:
        stream = file.open("ab")
    except OSError:
        yield False
        return
    with stream:  # closing it gives the lock back
        yield _locked(stream, time.monotonic() + patience_s)


def _locked(stream: IO[bytes], until: float) -> bool:
    while True:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(_LOOK_S)
        except OSError:  # a file system without locks
            return False
        else:
            return True
