"""The figures of all workers as one, those of the workers that are gone included."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from goldcrest.app.workers.child import Child
from goldcrest.app.workers.watch import Reason
from goldcrest.metrics.figures import Figures, Numbers, lasting, merged, risen
from goldcrest.metrics.process import Process
from goldcrest.metrics.specs import Labels
from goldcrest.metrics.text import rendered

_PATIENCE_S = 0.05
"""How long a scrape waits for a worker before it takes what was last known of it."""


class Tally:
    """Adds up what workers count; totals never fall, whoever is lost.

    Args:
        alive: the workers, as they are at any time.
    """

    def __init__(self, alive: Sequence[Child]) -> None:
        self._alive = alive
        self._gone: Figures = {}
        self._told: Figures = {}
        self._replaced: Counter[Reason] = Counter()
        self._process = Process()
        self._asked: list[Child] = []
        self._telling: asyncio.Task[None] | None = None

    def replaced(self, reason: Reason) -> None:
        """Count a worker that was replaced."""
        self._replaced[reason] += 1

    def keep(self, child: Child) -> None:
        """Keep the totals of a worker that is gone."""
        self._gone = merged((self._gone, lasting(child.figures)))

    def wanted(self, child: Child) -> None:
        """Tell a worker the figures of all, soon."""
        self._asked.append(child)
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        """Tell all who asked; who asks meanwhile is told anew."""
        while self._asked:
            asked, self._asked = self._asked, []
            await self._refresh()
            text = rendered(self.figures())
            for child in asked:
                child.answer(text)

    async def _refresh(self) -> None:
        if asking := [asyncio.create_task(child.tell()) for child in self._alive]:
            _, late = await asyncio.wait(asking, timeout=_PATIENCE_S)
            for task in late:
                task.cancel()

    def figures(self) -> Figures:
        """What is known now; the gauges are those of the workers that take connections."""
        serving = [one.figures for one in self._alive if one.is_listening]
        others = [lasting(one.figures) for one in self._alive if not one.is_listening]
        restarts: dict[Labels, Numbers] = {
            (reason,): (float(number),) for reason, number in self._replaced.items()
        }
        own: Figures = {**self._process.figures(), "worker_restarts": restarts}
        self._told = risen(merged([self._gone, *serving, *others, own]), self._told)
        return self._told
