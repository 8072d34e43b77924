"""What a contender's process does: open the model as any program would, ask it, and say how it did."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from typing import Protocol

import msgspec
import numpy as np

from goldcrest.compare.memory import memory
from goldcrest.compare.noise import moment, others_cores
from goldcrest.compare.texts import Text, n_characters
from goldcrest.config import Config

_CALLERS = 4
_TOGETHER = 16
"""Texts that each caller asks at once: with those of the others they fill the largest grids."""
_LEAST_TIMED = 20
"""Latencies that are taken at least, however long the texts."""
_N_LENGTHS = 24
"""Texts from the shortest to the longest that are asked before anything is timed."""
_SETTLE_S = 20.0

Items = tuple[Text, ...]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe is told.

    Attributes:
        source: an artifact's folder.
        config: the settings in force; the cache folder is the probe's own.
        items: what the model is asked, in turn.
        seconds: for latencies, and again for throughput; 0: nothing after the first answer.
        began_at: when its process was started, on the monotonic clock, which processes share.
        swaps: whether a version is swapped in at the end.
    """

    source: str
    config: Config
    items: Items
    seconds: float = 0.0
    began_at: float = 0.0
    swaps: bool = False


class Speed(msgspec.Struct, frozen=True, kw_only=True):
    """How a model that is open and warm did."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    n_timed: int
    texts_per_s: float
    resident_bytes: int
    others_cores: float | None = None


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe tells.

    Attributes:
        start_s: from the start of its process to the first answer.
        arithmetic: graph and hint that ran, such as "int8+bf16".
        peak_bytes: the most that the process held.
    """

    start_s: float
    precision: str
    arithmetic: str
    peak_bytes: int = 0
    speed: Speed | None = None
    swap_s: float | None = None


class Subject(Protocol):
    """A model that is open, as a probe needs it."""

    @property
    def precision(self) -> str:
        """What runs."""
        ...

    @property
    def arithmetic(self) -> str:
        """The graph and the hint that run."""
        ...

    def ask(self, items: Sequence[Text]) -> None:
        """Have the items answered, in the model's own task; safe from several threads."""

    def settle(self, patience_s: float) -> None:
        """Return when it is warm for what it will be asked, or patience ends."""

    def swap(self) -> float:
        """Let a new version take over, and return the seconds that a server takes for it."""
        ...

    def close(self) -> None:
        """Free it."""


def probe(order: Order, open_subject: Callable[[Order], Subject]) -> Seen:
    """Do what the order says.

    Raises:
        GoldcrestError: the model cannot be opened, or does not take the items.
    """
    subject = open_subject(order)
    try:
        subject.ask(order.items[:1])
        start_s = time.monotonic() - order.began_at
        speed = _speed(subject, order) if order.seconds else None
        return Seen(
            start_s=start_s,
            precision=subject.precision,
            arithmetic=subject.arithmetic,
            speed=speed,
            swap_s=subject.swap() if order.swaps else None,
            peak_bytes=memory().peak,
        )
    finally:
        subject.close()


def _speed(subject: Subject, order: Order) -> Speed:
    subject.settle(_SETTLE_S)
    for item in spread(order.items, _N_LENGTHS):
        subject.ask([item])
    before = moment()
    taken = latencies(subject, order.items, order.seconds)
    texts_per_s = throughput(subject, order.items, order.seconds)
    after = moment()
    p50, p95, p99 = np.quantile(taken, (0.5, 0.95, 0.99), method="inverted_cdf").tolist()
    return Speed(
        p50_ms=1e3 * p50,
        p95_ms=1e3 * p95,
        p99_ms=1e3 * p99,
        n_timed=len(taken),
        texts_per_s=texts_per_s,
        resident_bytes=memory().resident,
        others_cores=others_cores(before, after),
    )


def spread(items: Items, n: int) -> list[Text]:
    """So many items from the longest to the shortest, so that no length is met for the first time."""
    ordered = sorted(items, key=n_characters, reverse=True)
    return ordered[:: max(1, len(ordered) // n)]


def latencies(
    subject: Subject,
    items: Items,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Ask one item after the other, as a single client does; returns the seconds that each took."""
    taken: list[float] = []
    until = clock() + seconds
    for item in cycle(items):
        begun = clock()
        if begun >= until and len(taken) >= _LEAST_TIMED:
            break
        subject.ask([item])
        taken.append(clock() - begun)
    return taken


def throughput(
    subject: Subject,
    items: Items,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Texts a second with several callers, each of which asks for many texts at once.

    More wait than a grid holds, so the engine's grids grow to the knee of its rate and no further.
    """
    begun = clock()
    done: list[tuple[float, int]] = []

    def call(part: int) -> None:
        source = islice(cycle(items), part * _TOGETHER, None)
        while clock() < begun + seconds:
            subject.ask(list(islice(source, _TOGETHER)))
            done.append((clock(), _TOGETHER))

    with ThreadPoolExecutor(_CALLERS, "caller") as callers:
        list(callers.map(call, range(_CALLERS)))
    return _rate(done, begun, begun + seconds)


def _rate(done: Sequence[tuple[float, int]], begun: float, until: float) -> float:
    """Texts until the last answer in time: what is under way at the end counts for nothing."""
    last = max([at for at, _ in done if at <= until], default=max(at for at, _ in done))
    return sum(n for at, n in done if at <= last) / (last - begun)
