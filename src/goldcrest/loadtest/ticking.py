"""Wakes at a moment, exactly: event loops round their timers to whole milliseconds."""

from __future__ import annotations

import asyncio
import ctypes
import os
from collections.abc import Callable
from typing import Protocol

_CLOCK_MONOTONIC = 1
_NONBLOCK, _CLOEXEC = os.O_NONBLOCK, os.O_CLOEXEC
_ABSOLUTE = 1


class _Moment(ctypes.Structure):
    _fields_ = (("s", ctypes.c_long), ("ns", ctypes.c_long))


class _Setting(ctypes.Structure):
    _fields_ = (("interval", _Moment), ("value", _Moment))


class Alarm(Protocol):
    """Calls back at a moment; a new moment replaces the old one."""

    def at(self, moment: float) -> None: ...

    def close(self) -> None: ...


class KernelAlarm:
    """An alarm of the Linux kernel, as a file that becomes readable.

    Raises:
        OSError: the kernel has none.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._c, self._loop, self._ring = ctypes.CDLL(None, use_errno=True), loop, ring
        create = getattr(self._c, "timerfd_create", None)
        self._file = create(_CLOCK_MONOTONIC, _NONBLOCK | _CLOEXEC) if create else -1
        if self._file < 0:
            raise OSError("this system has no timers that are files")
        self._setting = _Setting()
        loop.add_reader(self._file, self._wake)

    def at(self, moment: float) -> None:
        value = self._setting.value
        value.s = int(moment)
        value.ns = max(1, int((moment - value.s) * 1e9))  # 0 would mean never
        self._c.timerfd_settime(self._file, _ABSOLUTE, ctypes.byref(self._setting), None)

    def close(self) -> None:
        self._loop.remove_reader(self._file)
        os.close(self._file)

    def _wake(self) -> None:
        try:
            os.read(self._file, 8)
        except BlockingIOError:  # set again meanwhile
            return
        self._ring()


class LoopAlarm:
    """An alarm of the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop, self._ring = loop, ring
        self._handle: asyncio.TimerHandle | None = None

    def at(self, moment: float) -> None:
        self.close()
        self._handle = self._loop.call_later(max(0.0, moment - self._loop.time()), self._ring)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.cancel()


def alarm(loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> Alarm:
    """The most exact alarm there is; moments are those of ``time.monotonic``."""
    try:
        return KernelAlarm(loop, ring)
    except OSError:
        return LoopAlarm(loop, ring)
