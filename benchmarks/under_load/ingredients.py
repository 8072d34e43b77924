"""What chaos is made of: the requests, and the watch over memory."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from benchmarks.under_load.figures import slope
from benchmarks.under_load.serving import MIB, Server
from benchmarks.under_load.texts import Language

N_POOL = 8000
N_HOT = 400
POISONOUS = 0.005
PER_REQUEST = 8
N_LISTS = 500
LISTS = 0.04
WARM_UP = 0.3
"""Share of the requests that memory is not judged by."""


@dataclass(frozen=True)
class Material:
    """The bodies, what they hold, and which goes out when."""

    texts: list[list[str]]
    order: tuple[int, ...]
    plain: list[str]


def material(words: Language, *, n: int, seed: int) -> Material:
    """Half of the requests ask for a few texts again and again; some bring several texts.

    A list with a poisonous text among its eight must fail as a whole, and harm nobody else.
    """
    pool = words.short(N_POOL, seed=seed)
    poison = words.poisonous(40, seed=seed + 1)
    chance = np.random.default_rng(seed)
    lists = [chance.choice(pool, PER_REQUEST).tolist() for _ in range(N_LISTS)]
    lists[:20] = [[*texts[:-1], bad] for texts, bad in zip(lists[:20], poison, strict=False)]
    texts = [*([text] for text in pool), *([text] for text in poison), *lists]
    kinds = chance.random(n)
    picks = np.where(
        chance.random(n) < 0.5, chance.integers(N_HOT, size=n), chance.integers(N_POOL, size=n)
    )
    poisonous = kinds < POISONOUS
    picks[poisonous] = N_POOL + chance.integers(len(poison), size=int(poisonous.sum()))
    listed = (kinds >= POISONOUS) & (kinds < POISONOUS + LISTS)
    first = N_POOL + len(poison)
    picks[listed] = first + chance.integers(N_LISTS, size=int(listed.sum()))
    return Material(texts, tuple(picks.tolist()), pool)


@dataclass
class Watch:
    """Memory of the processes over time: seconds since 1970, process, bytes."""

    rows: list[tuple[float, int, int]] = field(default_factory=list)

    def look(self, server: Server) -> None:
        now = time.time()
        self.rows += [(now, one.pid, one.resident) for one in server.memory()]

    def most_mib(self) -> float:
        """The most that all processes held together."""
        moments: dict[float, int] = {}
        for now, _, resident in self.rows:
            moments[now] = moments.get(now, 0) + resident
        return max(moments.values(), default=0) / MIB

    def slope_mib(self, began: float, rate: float, n: int) -> float:
        """MiB that the largest process grows by in 10,000 requests, after the warm-up."""
        held: dict[int, list[tuple[float, float]]] = {}
        for now, pid, resident in self.rows:
            asked = (now - began) * rate
            if WARM_UP * n <= asked <= n:
                held.setdefault(pid, []).append((asked / 1e4, resident / MIB))
        if not held:
            return float("nan")
        points = max(held.values(), key=lambda found: found[-1][1])
        return slope(*zip(*points, strict=True))
