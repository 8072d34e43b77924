"""Keeps the process within its memory: the cache shrinks, then the ladder, then work is refused."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf

from goldcrest.app.memory import MIB, give_back, mib, resident_bytes
from goldcrest.config import Config, usable_memory
from goldcrest.errors import Overloaded
from goldcrest.records import Sample

_log = logging.getLogger("goldcrest")

LEVELS = (0.80, 0.88, 0.94)
"""Shares of the limit from which the cache shrinks, the ladder too, and work is refused too."""

_SLACK = 0.04
"""How far below its share a level ends, so that none comes and goes by the second."""

_CACHE = (1.0, 0.5, 0.1, 0.0)
"""What is left of the room for answers at each level."""

_RETRY_S = 2.0
_WORDS = (
    "nothing is held back any more",
    "the cache shrinks",
    "the cache and the grids shrink",
    "work is refused, and the cache and the grids shrink",
)


def pressure(resident: int, limit: int, previous: int) -> int:
    """How short memory is: 0 for not at all, to 3 for work is refused.

    Args:
        resident: bytes that the process holds; 0 where that is not known.
        limit: bytes that it may hold; 0 where that is not known.
        previous: what was answered the last time.
    """
    if not resident or not limit:
        return 0
    share = resident / limit
    reached = sum(share >= level for level in LEVELS)
    kept = sum(share >= level - _SLACK for level in LEVELS)
    return max(reached, min(previous, kept))


def limit_of(config: Config) -> int:
    """Bytes that this process may hold, by the settings or by what the machine leaves to it."""
    return config.memory.limit_mib * MIB or usable_memory() // config.workers.count


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliefs:
    """What can be done about memory that is short; all may be called again and again.

    Attributes:
        shrink_cache: leaves the answers so large a share of their room.
        shrink_grids: does without the largest shapes.
        restore_grids: takes them back.
        close_idle: closes models that nobody asks for at present.
        give_back: returns freed memory to the system.
    """

    shrink_cache: Callable[[float], object] = lambda _share: None
    shrink_grids: Callable[[], object] = _nothing
    restore_grids: Callable[[], object] = _nothing
    close_idle: Callable[[], object] = _nothing
    give_back: Callable[[], object] = give_back


class Keeper:
    """Looks at the memory of the process every now and then, and does what the pressure asks.

    Args:
        limit: bytes that the process may hold; 0 where that is not known.
        reliefs: what it can do.
        resident: bytes that the process holds at this moment.

    Attributes:
        level: the pressure, from 0 to 3.
        resident: as it was the last time.
    """

    def __init__(
        self, limit: int, reliefs: Reliefs, *, resident: Callable[[], int] = resident_bytes
    ) -> None:
        self.limit, self._reliefs, self._resident = limit, reliefs, resident
        self.level = 0
        self.resident = resident()
        self._n_refused = 0

    @property
    def room(self) -> float:
        """Bytes by which the process may grow before anything must shrink."""
        return LEVELS[0] * self.limit - self._resident() if self.limit else inf

    @property
    def is_refusing(self) -> bool:
        return self.level == len(LEVELS)

    def look(self) -> None:
        """Take the pressure, and act on it."""
        self.resident = self._resident()
        level, previous = pressure(self.resident, self.limit, self.level), self.level
        self.level = level
        if level != previous:
            say = _log.warning if level > previous else _log.info
            say("memory: %s of %s; %s", mib(self.resident), mib(self.limit), _WORDS[level])
        self._relieve(level, previous)

    def check(self) -> None:
        """Admit work, unless memory is too short for it.

        Raises:
            Overloaded: it is.
        """
        if self.is_refusing:
            self._n_refused += 1
            raise Overloaded(
                f"the process holds {mib(self.resident)} of the {mib(self.limit)} of memory that "
                "it may have, and takes no work until it holds less",
                retry_after_s=_RETRY_S,
            )

    def samples(self) -> Iterator[Sample]:
        """What is told to the metrics, read at the moment of asking."""
        yield "memory_bytes", ("resident",), self._resident()
        yield "memory_limit_bytes", (), self.limit
        yield "memory_pressure", (), self.level
        if self._n_refused:
            yield "refusals", ("memory", "any"), self._n_refused

    def _relieve(self, level: int, previous: int) -> None:
        reliefs = self._reliefs
        if level != previous:
            reliefs.shrink_cache(_CACHE[level])
        if level >= 2:
            reliefs.close_idle()
            if level > previous:
                reliefs.shrink_grids()
        elif previous >= 2:
            reliefs.restore_grids()
        if level > previous:
            reliefs.give_back()
