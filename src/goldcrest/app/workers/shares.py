"""Which processors each worker gets; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TypeVar

from goldcrest.config.machine import Processor

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Share:
    """What one worker may use.

    Attributes:
        n_threads: of its engine, unless the settings say otherwise.
        processors: the numbers of those it is pinned to; none: the system decides.
    """

    n_threads: int
    processors: tuple[int, ...] = ()


def share_out(
    processors: Sequence[Processor], *, n_usable: int, n_workers: int
) -> tuple[Share, ...]:
    """Share processors out as evenly as they go, those of one core to one worker.

    Nobody is pinned where there are fewer processors than workers, nor where a quota leaves less
    than the processors one can see: others may use the very same ones.

    Args:
        processors: those that the process may run on.
        n_usable: how many of them it may keep busy.
        n_workers: how many share them.
    """
    if n_usable < n_workers or n_usable < len(processors):
        return tuple(Share(max(1, n)) for n in map(len, _dealt(range(n_usable), n_workers)))
    ordered = sorted(processors)
    cores = [tuple(core) for _, core in groupby(ordered, lambda one: (one.package, one.core))]
    whole = cores if len(cores) >= n_workers else [(one,) for one in ordered]
    hands = [[one.number for core in hand for one in core] for hand in _dealt(whole, n_workers)]
    return tuple(Share(len(hand), tuple(hand)) for hand in hands)


def _dealt(things: Sequence[T], n_hands: int) -> list[Sequence[T]]:
    """Neighbours stay together; no hand holds more than one thing more than another."""
    bounds = [len(things) * hand // n_hands for hand in range(n_hands + 1)]
    return [things[low:high] for low, high in pairwise(bounds)]
