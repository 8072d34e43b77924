"""The watch: it gives up slots whose engine does not come back, and puts fresh ones in their place."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from itertools import count

from goldcrest.batching.desk import Desk
from goldcrest.batching.lane import Lane
from goldcrest.batching.slot import Doing, Slot
from goldcrest.errors import EngineHung
from goldcrest.values import Job

_log = logging.getLogger(__name__)

LOOKS = 3
"""How often a run must have been seen: a process that was stopped for a while finds that much time
has passed, and hangs no more than before."""

_MANY = 20
"""How many times its predicted seconds a run must have taken as well."""


class Watch:
    """Looks after the slots of a desk, on a thread of its own.

    Args:
        desk: its slots are added to, and replaced there.
        every_s: seconds from one look to the next.
    """

    def __init__(self, desk: Desk, *, every_s: float) -> None:
        self._desk, self._every_s = desk, every_s
        self._numbers = count()
        self._on_hang: dict[str, Callable[[], None]] = {}
        self._seen: dict[Slot, tuple[Doing, int]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._turn, name="watch", daemon=True)

    def start(self, n_slots: int) -> None:
        """Start the slots, and look after them from now on."""
        for _ in range(n_slots):
            self._add_slot()
        self._thread.start()

    def stop(self) -> None:
        self._over.set()

    def call(self, lane: str, on_hang: Callable[[], None]) -> None:
        """Say who is told if a lane's engine hangs."""
        self._on_hang[lane] = on_hang

    def forget(self, lane: str) -> None:
        self._on_hang.pop(lane, None)

    def look(self) -> None:
        """Give up the slots that hang: what the thread does every now and then.

        Their jobs and those that wait for the same engine are answered with `EngineHung`; the lane
        takes no more, and whoever opened it is told.
        """
        desk = self._desk
        with desk.lock:
            now = desk.clock()
            hung = [slot for slot in desk.slots if self._is_hung(slot, now)]
            given_up = [(lane, self._give_up(slot, lane)) for slot, lane in _with_lanes(hung)]
            desk.stuck = [slot for slot in desk.stuck if slot.thread.is_alive()]
            if hung:
                desk.wake.notify_all()
        for lane, jobs in given_up:
            _log.error("%s: the engine hangs; its slot was replaced", lane.name)
            error = EngineHung(f"the engine of {lane.model} did not come back and is replaced")
            desk.settle((job, error) for job in jobs)
            self._tell(lane.name)

    def _turn(self) -> None:
        while not self._over.wait(self._every_s):
            try:
                self.look()
            except Exception:  # noqa: BLE001  # a watch that ends watches nothing
                _log.exception("the watch could not look after the slots")

    def _is_hung(self, slot: Slot, now: float) -> bool:
        doing = slot.doing
        if doing is None:
            self._seen.pop(slot, None)
            return False
        seen, n_looks = self._seen.get(slot, (doing, 0))
        n_looks = n_looks + 1 if seen is doing else 1
        self._seen[slot] = doing, n_looks
        longest_s = max(self._desk.policy.hang_s, _MANY * doing.predicted_s)
        return n_looks >= LOOKS and now - doing.since > longest_s

    def _give_up(self, slot: Slot, lane: Lane) -> list[Job]:
        """Replace a slot and close its lane; returns the jobs that are lost with them."""
        desk = self._desk
        slot.is_given_up = True
        lane.abandon()
        self._seen.pop(slot, None)
        desk.slots.remove(slot)
        desk.stuck.append(slot)
        self._add_slot()
        if desk.lanes.pop(lane.name, None) is not None:
            desk.hung.add(lane.name)
        return [*slot.jobs, *desk.queue.shut(lane.name)]

    def _add_slot(self) -> None:
        slot = Slot(next(self._numbers), self._desk)
        self._desk.slots.append(slot)
        slot.thread.start()

    def _tell(self, lane: str) -> None:
        try:
            self._on_hang.get(lane, lambda: None)()
        except Exception:  # noqa: BLE001  # whoever is told must not end the watch
            _log.exception("%s: the fault could not be reported", lane)


def _with_lanes(slots: list[Slot]) -> list[tuple[Slot, Lane]]:
    return [(slot, slot.doing.lane) for slot in slots if slot.doing is not None]
