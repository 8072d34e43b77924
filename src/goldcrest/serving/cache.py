"""The result cache: an `Infer` around a version that asks it for unseen items only.

An answer depends on a text, on the options that change its tokens and on the version, and on
nothing else, so one that was given once can be given again. Twins in flight share one computation.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from goldcrest.errors import DeadlineExceeded, InvalidRequest
from goldcrest.model.version import Version
from goldcrest.names import Priority
from goldcrest.records import Sample
from goldcrest.serving.cache_bytes import FORMAT, read, write
from goldcrest.serving.cache_flight import RANKS, Flights, Landed
from goldcrest.serving.cache_keys import Keys
from goldcrest.serving.cache_room import Room
from goldcrest.serving.shared_value import SharedLevel
from goldcrest.values import Answer, EncodeOptions, Infer, Item, Urgency

_JOINS = 2
"""How often a caller waits for a twin that then brings nothing, before he computes by himself."""

Clock = Callable[[], float]
Unseen = Mapping[bytes, Item]
"""The items of a request that are still to be answered, each once, by key."""


class _Lookups:
    """What became of the items of one model."""

    __slots__ = ("hit", "joined", "miss", "shared")

    def __init__(self) -> None:
        self.hit = self.shared = self.joined = self.miss = 0


class Answers:
    """The answers that are kept for all models of a process.

    Args:
        n_bytes: what they may take.
        ttl_s: how long one is kept.
        clock: seconds; only differences matter.
        unnamed: the class of a request that names none.
        shared: a second level, if there is one.
        release: of this software; another one may understand a text otherwise.
    """

    def __init__(
        self,
        n_bytes: int,
        *,
        ttl_s: float,
        clock: Clock = time.monotonic,
        unnamed: Priority = "default",
        shared: SharedLevel | None = None,
        release: str = "",
    ) -> None:
        self.room, self.flights = Room(n_bytes, ttl_s=ttl_s), Flights()
        self.clock, self.unnamed, self.shared = clock, unnamed, shared
        self._release = release
        self._lookups: dict[str, _Lookups] = {}

    def around(self, version: Version) -> Infer:
        """A version whose answers are kept."""
        identity = (
            self._release,
            FORMAT,
            version.artifact.digest,
            version.precision,
            version.arithmetic,
            version.tokenizer.max_length,
        )
        return Cached(version.infer, Keys(identity), self, version.name)

    def lookups(self, model: str) -> _Lookups:
        """Where the lookups of a model are counted, whichever version of it is open."""
        return self._lookups.setdefault(model, _Lookups())

    def shrink(self, share: float) -> None:
        """Take no more than this share of the room from now on; 1 gives it all back.

        May be called from any thread.
        """
        self.room.shrink(share)

    def clear(self) -> None:
        """Let every answer go that is kept here; may be called from any thread."""
        self.room.clear()

    @property
    def n_bytes(self) -> int:
        """What the answers take."""
        return self.room.n_bytes

    def samples(self) -> Iterator[Sample]:
        """What is told to the metrics, read at the moment of asking, on any thread."""
        for model, lookups in list(self._lookups.items()):
            for outcome in _Lookups.__slots__:
                yield "cache_lookups", (model, outcome), float(getattr(lookups, outcome))
        yield from self.room.samples()
        if self.shared is not None:
            yield from self.shared.samples()

    async def aclose(self) -> None:
        """End what the second level began."""
        if self.shared is not None:
            await self.shared.aclose()


class _Asked(NamedTuple):
    """One request, as it is passed around; a tuple, because one is made for every request."""

    options: EncodeOptions
    urgency: Urgency
    begun: float
    rank: int


class Cached:
    """An `Infer` that asks another one for unseen items only.

    Args:
        infer: the version's own.
        keys: of that version.
        answers: where they are kept.
        model: the name it is served under.
    """

    def __init__(self, infer: Infer, keys: Keys, answers: Answers, model: str) -> None:
        self._infer, self._keys, self._answers = infer, keys, answers
        self._room, self._flights, self._clock = answers.room, answers.flights, answers.clock
        self._shared, self._unnamed = answers.shared, answers.unnamed
        self._lookups = answers.lookups(model)

    async def __call__(
        self, items: Sequence[Item], options: EncodeOptions, urgency: Urgency
    ) -> Sequence[Answer]:
        """Answer items, in order; those that were seen before, from memory.

        Raises:
            ServingError: as the version does; an error is never kept.
        """
        keys = self._keys.of(items, options) if urgency.may_be_kept else None
        if keys is None:
            return await self._infer(items, options, urgency)
        now = self._clock()
        found = self._recall(keys, now) if urgency.is_kept_fine else {}
        left = dict(zip(keys, items, strict=True))
        if found:
            left = {key: item for key, item in left.items() if key not in found}
        self._lookups.joined += len(keys) - len(found) - len(left)
        try:
            if left:
                rank = RANKS[urgency.priority or self._unnamed]
                await self._see_to(left, _Asked(options, urgency, now, rank), found)
        except InvalidRequest:
            if len(items) == 1:
                raise
            return await self._infer(items, options, urgency)  # which tells of the item's place
        return [found[key] for key in keys]

    def _recall(self, keys: Iterable[bytes], now: float) -> dict[bytes, Answer]:
        """What is kept here."""
        found = {}
        for key in keys:
            kept = self._room.find(key, now)
            if kept is not None:
                found[key] = read(kept)
        self._lookups.hit += len(found)
        return found

    async def _see_to(self, left: Unseen, asked: _Asked, found: dict[bytes, Answer]) -> None:
        """Answer what is left: join its twins, and compute the others."""
        n_joins = _JOINS if asked.urgency.is_kept_fine else 0
        while left:
            joined = self._join(left, asked.rank) if n_joins else {}
            n_joins -= bool(n_joins)
            led = left
            if joined:
                led = {key: item for key, item in left.items() if key not in joined}
            if led:
                await self._lead(led, asked, found)
            if not joined:
                return
            for key, waiter in joined.items():
                self._note(key, await self._landed(waiter, asked), found)
            left = {key: left[key] for key in joined if key not in found}
            if left:
                asked = self._later(asked)
                found |= self._recall(left, self._clock())
                left = {key: item for key, item in left.items() if key not in found}

    def _join(self, left: Unseen, rank: int) -> dict[bytes, asyncio.Future[Landed]]:
        joined = {}
        for key in left:
            waiter = self._flights.join(key, rank)
            if waiter is not None:
                joined[key] = waiter
        return joined

    async def _landed(self, waiter: asyncio.Future[Landed], asked: _Asked) -> Landed:
        """Wait for a twin, but no longer than for oneself."""
        if asked.urgency.deadline_s is None:
            return await waiter
        try:
            async with asyncio.timeout(self._rest_s(asked)):
                return await waiter
        except TimeoutError:
            raise DeadlineExceeded(self._clock() - asked.begun) from None

    def _note(self, key: bytes, landed: Landed, found: dict[bytes, Answer]) -> None:
        if isinstance(landed, InvalidRequest):
            raise landed
        if landed is not None:
            self._lookups.joined += 1
            found[key] = landed

    async def _lead(self, led: Unseen, asked: _Asked, found: dict[bytes, Answer]) -> None:
        """Compute, for oneself and for whoever joins."""
        flight = self._flights.begin(led, asked.rank)
        own_fault: InvalidRequest | None = None
        unseen = led
        try:
            if self._shared is not None and asked.urgency.is_kept_fine:
                unseen = await self._consult(self._shared, led, found)
            if unseen:
                self._lookups.miss += len(unseen)
                answers = await self._infer([*unseen.values()], asked.options, asked.urgency)
                self._keep(unseen, answers, found)
        except InvalidRequest as error:
            own_fault = error if len(led) == 1 else None  # of several, nobody knows whose it is
            raise
        finally:
            self._flights.end(flight, led)
            flight.land(found, own_fault)

    def _keep(
        self, keys: Iterable[bytes], answers: Iterable[Answer], found: dict[bytes, Answer]
    ) -> None:
        """Note fresh answers, and keep those that are not too large."""
        now, largest = self._clock(), self._room.largest
        for key, answer in zip(keys, answers, strict=True):
            found[key] = answer
            written = write(answer, largest=largest)
            if written is not None:
                self._room.keep(key, written, now)
                if self._shared is not None:
                    self._shared.keep(key, written)

    async def _consult(
        self, shared: SharedLevel, led: Unseen, found: dict[bytes, Answer]
    ) -> Unseen:
        """Take what the second level has; give back what it has not."""
        fetched = await shared.fetch(led.keys())
        now = self._clock()
        for key, kept in fetched.items():
            found[key] = kept.answer
            self._room.keep(key, kept.written, now, kept.ttl_s)
        self._lookups.shared += len(fetched)
        return {key: item for key, item in led.items() if key not in fetched}

    def _rest_s(self, asked: _Asked) -> float:
        return (asked.urgency.deadline_s or 0.0) - (self._clock() - asked.begun)

    def _later(self, asked: _Asked) -> _Asked:
        """The same request after some of its time has passed.

        Raises:
            DeadlineExceeded: all of it has.
        """
        if asked.urgency.deadline_s is None:
            return asked
        rest_s = self._rest_s(asked)
        if rest_s <= 0:
            raise DeadlineExceeded(self._clock() - asked.begun)
        urgency = replace(asked.urgency, deadline_s=rest_s)
        return asked._replace(urgency=urgency, begun=self._clock())
