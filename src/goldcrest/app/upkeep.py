"""What is looked after every second while a server runs: its memory and its engines."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

_log = logging.getLogger("goldcrest")

_EVERY_S = 1.0


class Upkeep:
    """A thread that calls each of its duties every second; none of them may take long.

    Args:
        duties: what is to be called.
        enrol: called on the thread as it begins.
    """

    def __init__(
        self, duties: Sequence[Callable[[], None]], *, enrol: Callable[[], None] = lambda: None
    ) -> None:
        self._duties, self._enrol = duties, enrol
        self._ended = threading.Event()
        self._failing: set[int] = set()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Call nothing any more."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> None:
        """Call every duty once; one that fails keeps no other from its turn."""
        for number, duty in enumerate(self._duties):
            try:
                duty()
            except Exception:  # noqa: BLE001  # the next second may be better
                if number not in self._failing:  # said once
                    _log.exception("the upkeep failed; it goes on")
                self._failing.add(number)
            else:
                self._failing.discard(number)

    def _run(self) -> None:
        self._enrol()
        while not self._ended.wait(_EVERY_S):
            self.look()
