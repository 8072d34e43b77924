"""Requests to come: when, of which texts, and how urgent; made from a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from goldcrest.names import Priority

Times = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Load:
    """Requests in order of their times.

    Attributes:
        times: when each is sent, in seconds, ascending. *Shape:* ``(n,)``.
        texts: tokens of each text of each request.
        priorities: of each.
        deadlines: seconds after which nobody wants the answer; None: never.
    """

    times: Times
    texts: Sequence[tuple[int, ...]]
    priorities: Sequence[Priority]
    deadlines: Sequence[float | None]

    @property
    def n(self) -> int:
        return len(self.times)

    def part(self, places: NDArray[np.int64]) -> Load:
        """The requests at these places alone."""
        chosen = places.tolist()
        return Load(
            self.times[places],
            [self.texts[place] for place in chosen],
            [self.priorities[place] for place in chosen],
            [self.deadlines[place] for place in chosen],
        )


@dataclass(frozen=True, slots=True)
class Mix:
    """What requests are like.

    Attributes:
        lengths: tokens of texts, equally likely.
        texts_per_request: in each.
        classes: share of the requests per class.
        deadline_s: of each; None: none.
        kept: share of texts whose answers were kept from earlier and need no engine.
    """

    lengths: tuple[int, ...]
    texts_per_request: int = 1
    classes: Mapping[Priority, float] | None = None
    deadline_s: float | None = None
    kept: float = 0.0

    def load(self, times: Times, *, seed: int) -> Load:
        """Give every moment a request."""
        rng = np.random.default_rng(seed)
        n = len(times)
        drawn = rng.choice(np.asarray(self.lengths), (n, self.texts_per_request))
        runs = rng.random((n, self.texts_per_request)) >= self.kept
        texts = [tuple(row[wanted].tolist()) for row, wanted in zip(drawn, runs, strict=True)]
        return Load(times, texts, self._priorities(n, rng), [self.deadline_s] * n)

    def _priorities(self, n: int, rng: np.random.Generator) -> list[Priority]:
        if not self.classes:
            return ["default"] * n
        names = list(self.classes)
        shares = np.array([self.classes[name] for name in names])
        return [names[place] for place in rng.choice(len(names), n, p=shares / shares.sum())]


def poisson(rate: float, *, n: int, seed: int) -> Times:
    """Draw ``n`` moments at random, ``rate`` of them a second."""
    return np.random.default_rng(seed).exponential(1 / rate, n).cumsum()


def along(rates: Sequence[float], *, step_s: float, seed: int) -> Times:
    """Draw moments at random along a curve: ``rates[i]`` a second for ``step_s`` seconds each."""
    rng = np.random.default_rng(seed)
    parts = [
        (step + np.sort(rng.random(rng.poisson(rate * step_s)))) * step_s
        for step, rate in enumerate(rates)
    ]
    return np.concatenate([np.zeros(0), *parts])
