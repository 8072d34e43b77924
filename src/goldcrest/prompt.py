"""How soon a thread runs after it has woken, on a machine whose processors are all busy.

Engines keep every processor busy, and the system lets each thread run its turn of some milliseconds
to the end before another may. A thread that asks for short turns is let in at once (Linux 6.12 and
newer; ``sched_setattr(2)``), but gets no more of the processor than before: where it needs more than
an even share, as an event loop does that refuses thousands of requests a second, short turns alone
make it later, and engines must give way to it as well.

What gives way must never hold the interpreter's lock for long: put off while it does, it puts off
all others. So engines compute on threads of their own, and slots give way to nobody.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
import threading
from contextlib import suppress

_CALLS = {"x86_64": (314, 315), "aarch64": (274, 275)}
"""Numbers of ``sched_setattr`` and ``sched_getattr``, which the C library does not offer."""

_ATTRIBUTES = struct.Struct("IIQiIQQQII")
"""Size, policy, flags, niceness, priority, runtime, deadline, period, least and most utilisation."""
_RUNTIME = 5

TURN_S = 0.0002
"""Of the event loop: about what it needs for one request."""


GIVE_WAY = 6
"""Steps of niceness: what gives way has a quarter of the weight. With more, refusing what comes at twice
the rate that a server bears left its engines too little of the processors."""


def give_way(steps: int = GIVE_WAY) -> None:
    """Let the calling thread run after others of its group, and so every thread that it starts.

    That cannot be taken back.

    Args:
        steps: of niceness.
    """
    if sys.platform.startswith("linux"):  # where a thread has a niceness of its own
        thread = threading.get_native_id()
        niceness = min(19, os.getpriority(os.PRIO_PROCESS, thread) + steps)
        with suppress(OSError):  # a sandbox that forbids it
            os.setpriority(os.PRIO_PROCESS, thread, niceness)


def run_promptly(turn_s: float = TURN_S) -> bool:
    """Ask for short turns of the calling thread.

    Args:
        turn_s: how long a turn is, in seconds; the system allows 0.0001 to 0.1.

    Returns:
        Whether the system took notice; older ones, and those that forbid it, do not.
    """
    attributes = _attributes()
    if attributes is None:
        return False
    wanted = [*attributes]
    wanted[0], wanted[_RUNTIME] = _ATTRIBUTES.size, round(turn_s * 1e9)
    asked = ctypes.create_string_buffer(_ATTRIBUTES.pack(*wanted), _ATTRIBUTES.size)
    return _call(0, asked, 0) == 0 and turn_of_thread_s() == turn_s


def turn_of_thread_s() -> float | None:
    """How long a turn of the calling thread is, in seconds; None where the system does not say."""
    attributes = _attributes()
    return None if attributes is None else int(attributes[_RUNTIME]) / 1e9


def _attributes() -> tuple[int, ...] | None:
    found = ctypes.create_string_buffer(_ATTRIBUTES.size)
    if _call(1, found, _ATTRIBUTES.size, 0):
        return None
    return _ATTRIBUTES.unpack(found.raw)


def _call(which: int, *arguments: object) -> int:
    """Make a system call on the calling thread; not 0 where there is none, or it fails."""
    numbers = _CALLS.get(platform.machine())
    if numbers is None or not sys.platform.startswith("linux"):
        return -1
    return int(ctypes.CDLL(None).syscall(numbers[which], 0, *arguments))
