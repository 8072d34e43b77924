"""An autoscaler as Kubernetes has one: its aims, its delays and what it decides; pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import ceil

import msgspec


class Scaling(msgspec.Struct, frozen=True, kw_only=True):
    """How the autoscaler follows the load.

    Attributes:
        busy: engine seconds per second and replica that it aims at.
        waiting_tokens: per replica that it aims at.
        least: replicas at any time.
        most: replicas at any time.
        every_s: between two looks.
        window_s: over which the rate of engine seconds is taken.
        start_s: from the wish for a replica until it answers.
        calm_s: how long fewer replicas must have been wanted before one goes.
        tolerance: by how much a figure may miss its aim before anything is done.
    """

    busy: float
    waiting_tokens: float
    least: int
    most: int
    every_s: float = 15.0
    window_s: float = 60.0
    start_s: float = 30.0
    calm_s: float = 300.0
    tolerance: float = 0.1

    @property
    def reaction_s(self) -> float:
        """From a rise of the load until replicas for it answer."""
        return self.window_s + self.every_s + self.start_s


@dataclass(slots=True)
class Fleet:
    """The replicas of a day, and what waits for them.

    Attributes:
        ready: replicas that answer.
        starting: when each of those that start will be ready.
        backlog: requests that wait, of all.
    """

    ready: int
    starting: list[float] = field(default_factory=list)
    backlog: float = 0.0

    @property
    def n(self) -> int:
        return self.ready + len(self.starting)

    def resize(self, wanted: int, ready_at: float) -> None:
        """Start replicas, or end some: those that still start go first."""
        self.starting += [ready_at] * (wanted - self.n)
        while self.n > wanted:
            if self.starting:
                self.starting.pop()
            else:
                self.ready -= 1

    def arrive(self, now: float) -> None:
        """Let those answer that are ready by now."""
        self.ready += sum(at <= now for at in self.starting)
        self.starting = [at for at in self.starting if at > now]


class Scaler:
    """Decides how many replicas there should be, as a horizontal pod autoscaler does.

    Args:
        scaling: its aims and delays.
    """

    def __init__(self, scaling: Scaling) -> None:
        self.scaling = scaling
        self._busy: deque[float] = deque(maxlen=max(1, round(scaling.window_s / scaling.every_s)))
        self._wished: deque[tuple[float, int]] = deque()

    def wanted(self, now: float, fleet: Fleet, *, busy: float, waiting_tokens: float) -> int:
        """Look at the figures of the replicas that answer, and say how many there should be."""
        scaling = self.scaling
        self._busy.append(busy * fleet.ready)
        total_busy = sum(self._busy) / len(self._busy)
        ratio = max(
            total_busy / fleet.ready / scaling.busy, waiting_tokens / scaling.waiting_tokens
        )
        raw = fleet.n if abs(ratio - 1) <= scaling.tolerance else ceil(fleet.ready * ratio)
        # Doubling, or four more, at a time; and never fewer than was wished for a while ago.
        wish = min(max(raw, scaling.least), scaling.most, max(2 * fleet.n, fleet.n + 4))
        self._wished.append((now, wish))
        while self._wished[0][0] < now - scaling.calm_s:
            self._wished.popleft()
        highest = max(count for _, count in self._wished)
        return wish if wish >= fleet.n else min(fleet.n, highest)
