"""A connection to a store far away, used by one task at a time, and the breaker before it.

It is made, and tried out, in the background: nobody waits for a handshake.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from goldcrest.breaker import Guard, Permit, Tolerance

if TYPE_CHECKING:  # an extra brings it
    from redis.asyncio import Redis

_log = logging.getLogger("goldcrest")

GIVE_UP_S = 1.0
"""How long a command may take before its connection is thrown away; nobody waits for that long."""

_TOLERANCE = Tolerance(in_a_row=5, rest_s=0.5, longest_s=30.0, trial_s=10.0)

Command = Callable[[], Awaitable[Any]]
Work = Callable[[], Coroutine[Any, Any, None]]


class Line:
    """A connection that one task uses at a time, and the breaker before it.

    Args:
        name: of the breaker.
        connect: makes a client; it connects when it is first used.
        place: where to, without secrets.
        wait_s: how long a command may take to count as a success.
    """

    def __init__(
        self, name: str, connect: Callable[[], Redis], *, place: str, wait_s: float
    ) -> None:
        self._place, self._wait_s = place, wait_s
        self.guard = Guard(name, tolerance=_TOLERANCE, changed=self._tell)
        self.client = connect()
        self.is_connected = False
        self.since: float | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_overdue(self) -> bool:
        """Whether a command is under way that has already taken too long."""
        return self.since is not None and time.monotonic() - self.since > self._wait_s

    def start(self, work: Work) -> None:
        """Begin with some work unless the line is busy; connect first if need be."""
        if self._task is None or self._task.done():
            connected = self.is_connected and not self.guard.is_open
            if connected or not self.guard.rest_s:
                self._task = asyncio.create_task(work() if connected else self._try_out(work))

    async def run(self, command: Command) -> Any:
        """What a command brings; None where it fails, or is not even tried."""
        permit = self.guard.admit()
        return None if permit is None else await self._timed(permit, command)

    async def close(self) -> None:
        """Stop what is under way, and disconnect."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._hang_up()

    async def _timed(self, permit: Permit, command: Command) -> Any:
        self.since = time.monotonic()
        try:
            async with asyncio.timeout(2 * GIVE_UP_S):
                result = await command()
        except Exception as error:  # noqa: BLE001  # a client may raise anything, if what answers is no Redis
            self.is_connected = False
            self.guard.settle(permit, failed=True, error=error)
            await self._hang_up()
            return None
        except BaseException:
            self.guard.settle(permit, failed=None)
            raise
        finally:
            seconds, self.since = time.monotonic() - self.since, None
        self._judge(permit, seconds)
        return result

    def _judge(self, permit: Permit, seconds: float) -> None:
        late = None
        if seconds > self._wait_s:
            late = TimeoutError(f"it took {seconds * 1e3:.1f} ms, not {self._wait_s * 1e3:g}")
        self.guard.settle(permit, failed=late is not None, error=late)

    async def _try_out(self, work: Work) -> None:
        """Connect, see whether it is quick enough, and if so begin with the work."""
        permit = self.guard.admit()
        if permit is None:
            return

        async def greet() -> bool:
            await self.client.ping()
            self.since = time.monotonic()  # what came before was connecting
            await self.client.ping()
            return True

        if await self._timed(permit, greet):
            self.is_connected = True
            await work()

    async def _hang_up(self) -> None:
        try:
            async with asyncio.timeout(GIVE_UP_S):
                await self.client.connection_pool.disconnect()
        except Exception:  # noqa: BLE001  # it was broken anyway
            _log.debug("%s could not be hung up", self.guard.name, exc_info=True)

    def _tell(self, error: BaseException | None) -> None:
        if error is None:
            _log.info("%s at %s answers again", self.guard.name, self._place)
        else:
            _log.warning(
                "%s at %s is left alone for a while: %s", self.guard.name, self._place, error
            )
