"""When an engine is to be replaced by a fresh one: by its age, or by what the process grew; pure."""

from __future__ import annotations

from collections.abc import Mapping


class Growth:
    """How much the process has grown since its models were warm.

    Whatever opens or closes a model begins it anew; so does the least the process ever came back
    to, for what it gave back was no growth.
    """

    def __init__(self) -> None:
        self._event = -1
        self._least: int | None = None

    def observe(self, n_bytes: int, *, event: int, is_settled: bool) -> int:
        """Take note of the size of the process; returns its growth in bytes.

        Args:
            n_bytes: what it holds, without what comes and goes: answers that are kept, jobs.
            event: changes whenever a model opens or closes.
            is_settled: whether the models that are open have all the memory that they will need.
        """
        if event != self._event:
            self._event, self._least = event, None
        if self._least is None:
            if is_settled:
                self._least = n_bytes
            return 0
        self._least = min(self._least, n_bytes)
        return n_bytes - self._least


def due(
    ages: Mapping[str, float], growth: int, *, limit_s: float, limit_bytes: int
) -> tuple[str, ...]:
    """The names of the models whose engines are to be replaced, the oldest first.

    Args:
        ages: of each engine, in seconds.
        growth: of the process, in bytes; which engine is to blame cannot be told, so all go.
        limit_s: age at which an engine is replaced; 0: never.
        limit_bytes: growth at which all are; 0: never.
    """
    oldest_first = sorted(ages, key=lambda name: -ages[name])
    if limit_bytes and growth >= limit_bytes:
        return tuple(oldest_first)
    return tuple(name for name in oldest_first if limit_s and ages[name] >= limit_s)
