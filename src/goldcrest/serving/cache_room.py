"""Room for answers: bounded in bytes and in time; those unused for longest go first."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from threading import Lock
from typing import Literal

from goldcrest.records import Sample

_AT_ONCE_BYTES = 2**17
"""Let go of at once where the room shrinks: a fraction of a millisecond of work."""

Reason = Literal["full", "old", "memory"]

ENTRY_BYTES = 400
"""What an entry takes beside the answer's own bytes: key, links, time and the objects' heads;
measured in a process full of them, with the tables half empty."""

_LARGEST = 1024
"""An answer that takes more than this part of all the room is not kept: it would displace as many
small ones. At 64 MiB that is 64 KiB: logits over a whole vocabulary and the states of a long text
are computed each time; at 128 MiB and more, those of a single mask are kept."""


class Room:
    """Answers as bytes, by key; may be used from any thread.

    Args:
        n_bytes: what all entries together may take.
        ttl_s: how long an entry is kept.

    Attributes:
        capacity: as given.
        n_bytes: what is taken.
    """

    def __init__(self, n_bytes: int, *, ttl_s: float) -> None:
        self.capacity, self._limit, self.ttl_s = n_bytes, n_bytes, ttl_s
        self.n_bytes = 0
        self._entries: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()
        self._oldest = float("-inf")  # when the entry that was first in line, last time, expires
        self._evictions: Counter[Reason] = Counter()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def largest(self) -> int:
        """Bytes of the largest answer that is kept."""
        return self.capacity // _LARGEST

    def find(self, key: bytes, now: float) -> bytes | None:
        """The answer that is kept under a key, unless it is too old."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            if entry[0] <= now:
                self._remove(key, "old")
                return None
            self._entries.move_to_end(key)
            return entry[1]

    def keep(self, key: bytes, answer: bytes, now: float, ttl_s: float | None = None) -> None:
        """Keep an answer; an older one under that key goes, and what there is no room for.

        Args:
            key: what it is found by.
            answer: as bytes.
            now: seconds on the clock of every call.
            ttl_s: what is left of its time, if it was kept elsewhere before.
        """
        if len(answer) > self.largest:
            return
        expires = now + (self.ttl_s if ttl_s is None else min(ttl_s, self.ttl_s))
        with self._lock:
            if key in self._entries:
                self._forget(key)
            self._entries[key] = expires, answer
            self.n_bytes += ENTRY_BYTES + len(answer)
            if self.n_bytes > self._limit or self._oldest <= now:
                self._make_room(now, "full", 2 * (ENTRY_BYTES + len(answer)))

    def shrink(self, share: float, reason: Reason = "memory") -> None:
        """Take no more than this share of the room from now on; 1 gives it all back.

        Little by little, so that nobody who looks for an answer meanwhile waits for all of it.
        """
        self._limit = int(self.capacity * max(0.0, min(1.0, share)))
        while self.n_bytes > self._limit:
            with self._lock:
                self._make_room(float("-inf"), reason, _AT_ONCE_BYTES)
            time.sleep(0)  # others first

    def clear(self) -> None:
        """Let everything go."""
        with self._lock:
            gone, self._entries = self._entries, OrderedDict()
            self.n_bytes = 0
            self._evictions["memory"] += len(gone)

    def samples(self) -> Iterator[Sample]:
        """What is told to the metrics, read at the moment of asking."""
        for reason in ("full", "old", "memory"):
            yield "cache_evictions", (reason,), float(self._evictions[reason])
        yield "cache_entries", (), float(len(self._entries))
        yield "memory_bytes", ("cache",), float(self.n_bytes)

    def _make_room(self, now: float, reason: Reason, most: int) -> None:
        """Let go of what is too much, and of what is at the end of its time where it is met.

        Args:
            now: seconds on the clock of every call.
            reason: why what is not too old goes.
            most: bytes to let go of for now; the rest goes with later calls.
        """
        floor = self.n_bytes - most
        while self._entries and self.n_bytes > floor:
            key = next(iter(self._entries))
            self._oldest = self._entries[key][0]
            if self._oldest <= now:
                self._remove(key, "old")
            elif self.n_bytes > self._limit:
                self._remove(key, reason)
            else:
                return

    def _remove(self, key: bytes, reason: Reason) -> None:
        self._forget(key)
        self._evictions[reason] += 1

    def _forget(self, key: bytes) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.n_bytes -= ENTRY_BYTES + len(entry[1])
