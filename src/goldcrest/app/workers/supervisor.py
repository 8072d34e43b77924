"""The process that starts the workers, watches over them, and replaces those that are lost.

It serves nothing itself and loads no engine.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress

import msgspec

from goldcrest.app.workers.child import Child, ended_by, started
from goldcrest.app.workers.messages import Order
from goldcrest.app.workers.ports import reserved
from goldcrest.app.workers.shares import Share, share_out
from goldcrest.app.workers.tally import Tally
from goldcrest.app.workers.watch import Gaps, Losses, beat_s, next_to_listen
from goldcrest.config import Config, Loaded
from goldcrest.config.machine import processors, usable_processors
from goldcrest.errors import ConfigError

_log = logging.getLogger("goldcrest")
_MARGIN_S = 15.0
"""How much longer than its drain a worker may take to end: it closes its engines."""


def supervise(loaded: Loaded) -> int:
    """Serve with several workers until a signal.

    SIGTERM and SIGINT drain all of them, SIGHUP replaces them one after the other.

    Args:
        loaded: the settings in force.

    Returns:
        The exit status: 0; 128 and the number of a second signal; or that of a worker, if none can
        start.

    Raises:
        ConfigError: the settings do not go together, or an address cannot be listened on.
    """
    config = loaded.config
    if config.web.repository_control:
        raise ConfigError(
            f"workers.count = {config.workers.count} does not go with web.repository_control: a "
            "caller reaches one worker, and the others would keep their models; set one of both"
        )
    with ExitStack() as held:
        holder = held.enter_context(reserved(config.web.host, config.web.port))
        if config.rpc.port:
            held.enter_context(reserved(config.rpc.host, config.rpc.port, what=" for gRPC"))
        web = msgspec.structs.replace(config.web, port=holder.getsockname()[1])
        config = msgspec.structs.replace(config, web=web)
        found = orders(dataclasses.replace(loaded, config=config), _shares(config))
        return asyncio.run(Supervisor(config, found).run())


def _shares(config: Config) -> tuple[Share, ...]:
    n_usable, n_workers = usable_processors(), config.workers.count
    shares = share_out(processors(), n_usable=n_usable, n_workers=n_workers)
    if n_usable < n_workers:
        _log.warning(
            "%d workers share %d processors: each has one engine thread, and none is pinned",
            n_workers,
            n_usable,
        )
    return shares


def orders(loaded: Loaded, shares: Sequence[Share]) -> list[Order]:
    """What each worker is to do; its engine has the threads of its share unless they are set."""
    config, now = loaded.config, int(time.time())
    is_set = loaded.origin["engine.threads"] != "default"
    engines = [
        config.engine if is_set else msgspec.structs.replace(config.engine, threads=share.n_threads)
        for share in shares
    ]
    return [
        Order(
            number=number,
            config=msgspec.structs.replace(config, engine=engine),
            processors=share.processors,
            opened=now,
        )
        for number, (share, engine) in enumerate(zip(shares, engines, strict=True), 1)
    ]


class Supervisor:
    """Keeps a worker at work for each order.

    Args:
        config: the settings in force.
        orders: one for each worker.
    """

    def __init__(self, config: Config, orders: Sequence[Order]) -> None:
        self._config, self._orders = config, orders
        self._at_work: dict[int, Child] = {}
        self._alive: list[Child] = []
        self._tally = Tally(self._alive)
        self._status = 0
        self._is_announced = False
        self._begun, self._ending = asyncio.Event(), asyncio.Event()
        self._rolling: asyncio.Task[None] | None = None

    async def run(self) -> int:
        """Keep the workers at work until a signal, or until none can start."""
        self._heed_signals()
        watching = asyncio.create_task(self._watch())
        keepers = [asyncio.create_task(self._keep(order)) for order in self._orders]
        await self._ending.wait()
        await self._end_all()
        for task in (watching, *keepers, self._rolling):
            if task is not None:
                task.cancel()
        return self._status

    # Signals and the end -------------------------------------------------------------------

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told_to_end, number)
        loop.add_signal_handler(signal.SIGHUP, self._told_to_replace)

    def _told_to_end(self, number: int) -> None:
        if self._ending.is_set():
            self._status = 128 + number
            self._kill_all()
            return
        _log.info("%s: the workers answer what is in flight", signal.Signals(number).name)
        self._ending.set()

    def _told_to_replace(self) -> None:
        if self._rolling is None or self._rolling.done():
            _log.info("SIGHUP: the workers are replaced, one after the other")
            self._rolling = asyncio.create_task(self._replace_all())

    async def _end_all(self) -> None:
        for child in self._alive:
            child.end(is_succeeded=False)
        left = [child.over for child in self._alive]
        if left:
            _, late = await asyncio.wait(left, timeout=self._config.web.drain_s + _MARGIN_S)
            if late:
                _log.warning("%d workers did not end in time, and were killed", len(late))
        self._kill_all()
        await asyncio.gather(*left)

    def _kill_all(self) -> None:
        for child in self._alive:
            child.kill()

    def _give_up(self, status: int) -> None:
        self._status = status if status > 0 else 128 - status
        self._ending.set()
        self._kill_all()

    # Keeping workers at work ---------------------------------------------------------------

    async def _keep(self, order: Order) -> None:
        """Have one worker at work for an order, always."""
        if order is not self._orders[0]:  # what the first one compiles and measures, all use
            await self._begun.wait()
        losses, number = Losses(), order.number
        while not self._ending.is_set():
            child = self._at_work.get(number)
            if child is None or child.is_over:
                try:
                    child = self._at_work[number] = await self._started(order)
                except OSError as error:  # no memory or no processes left, for now
                    losses.note(soon=True)
                    self._lost(f"worker {number} cannot be started: {error}", 1, losses)
                    await self._pause(max(1.0, losses.pause_s))
                    continue
            await asyncio.shield(child.over)
            if self._at_work[number] is child and not self._ending.is_set():
                self._count(child, losses)
                await self._pause(losses.pause_s)

    async def _started(self, order: Order) -> Child:
        child = await started(order)
        child.changed, child.wants_scrape = self._changed, self._tally.wanted
        self._alive.append(child)
        child.over.add_done_callback(lambda _: self._bury(child))
        self._changed()
        if self._ending.is_set():
            child.kill()
        return child

    def _bury(self, child: Child) -> None:
        self._alive.remove(child)
        self._tally.keep(child)
        self._changed()

    def _count(self, child: Child, losses: Losses) -> None:
        status = child.over.result()
        reason = child.lost_by or ("ended" if status == 0 else "died")
        losses.note(soon=child.pulse.died_soon(time.monotonic()))
        self._tally.replaced(reason)
        others = sum(one.is_listening for one in self._alive)
        end = "killed for it" if child.lost_by else f"ended {ended_by(status)}"
        lost = f"worker {child.number} (pid {child.pid}) was lost: {reason}, {end}"
        self._lost(f"{lost}; of the others {others} serve", status, losses)

    def _lost(self, what: str, status: int, losses: Losses) -> None:
        _log.error("%s", what)
        if not self._begun.is_set() and losses.is_hopeless(status):
            _log.error("no worker can start; the server ends")
            self._give_up(status)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ending.wait()

    def _changed(self) -> None:
        """Let workers take connections as they become ready."""
        for child in next_to_listen([one for one in self._alive if not one.is_ending]):
            child.listen()
        if any(child.was_ready for child in self._alive):
            self._begun.set()
        if not self._is_announced and any(child.is_listening for child in self._alive):
            self._is_announced = True
            host, port = self._config.web.host, self._config.web.port
            name = f"[{host}]" if ":" in host else host
            _log.info("listening on http://%s:%d (try /docs)", name, port)

    async def _watch(self) -> None:
        """Give up workers that are silent."""
        every_s = beat_s(self._config.workers.heartbeat_s)
        gaps = Gaps(time.monotonic(), every_s)
        while True:
            await asyncio.sleep(every_s)
            now = time.monotonic()
            has_slept = gaps.slept(now)
            for child in self._alive:
                if has_slept:
                    child.pulse.heard_at = now
                elif child.pulse.is_silent(now) and not child.is_ending:
                    _log.error("worker %d has been silent for too long", child.number)
                    child.kill("silent")

    async def _replace_all(self) -> None:
        """Replace the workers one after the other, each by one that is ready."""
        for order in self._orders:
            if self._ending.is_set():
                return
            try:
                is_replaced = await self._replace(order)
            except OSError as error:  # no memory or no processes left, for now
                _log.error("worker %d cannot be started: %s", order.number, error)
                return
            if not is_replaced:
                return

    async def _replace(self, order: Order) -> bool:
        old = self._at_work.get(order.number)
        if old is None:  # it has not been started yet, and so will be fresh
            return True
        fresh = await self._started(order)
        while not fresh.is_listening and not fresh.is_over:
            await asyncio.wait([fresh.over], timeout=0.1)
        if fresh.is_over:
            _log.error("worker %d could not be replaced; the old one stays", order.number)
            return False
        if self._at_work[order.number] is not old or old.is_over:  # it was lost, and is replaced
            fresh.end(is_succeeded=True)
            return True
        self._at_work[order.number] = fresh
        self._tally.replaced("asked")
        old.end(is_succeeded=True)
        await asyncio.wait([old.over], timeout=self._config.web.drain_s + _MARGIN_S)
        old.kill()
        return True
