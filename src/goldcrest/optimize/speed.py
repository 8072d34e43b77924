"""From the rounds of candidates that were measured in turn to their pace; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from statistics import median

from goldcrest.engine import choice
from goldcrest.engine.choice import EVERY
from goldcrest.errors import NoVariant
from goldcrest.optimize.result import Pace, Tried


@dataclass(frozen=True, slots=True)
class Course:
    """What every round runs.

    Attributes:
        grid: the shape that holds most of the tokens.
    """

    n_texts: int
    n_tokens: int
    grid: str


@dataclass(frozen=True, slots=True)
class Round:
    """What one round took.

    Attributes:
        seconds: for all grids of the backlog.
        lone_s: for each of some texts alone.
    """

    seconds: float
    lone_s: tuple[float, ...]


def pace(course: Course, rounds: Sequence[Round]) -> Pace:
    """Medians over the rounds: what disturbs one of them counts for nothing.

    Raises:
        statistics.StatisticsError: there is no round.
    """
    rates = sorted(course.n_texts / one.seconds for one in rounds)
    middle = median(rates)
    return Pace(
        texts_per_s=middle,
        least_texts_per_s=rates[0],
        most_texts_per_s=rates[-1],
        tokens_per_s=middle * course.n_tokens / course.n_texts,
        lone_ms=1e3 * median(median(one.lone_s) for one in rounds),
        grid=course.grid,
    )


def slowness(measured: Pace) -> float:
    """What candidates are compared by: seconds alone and under load, as their geometric mean."""
    return float((measured.lone_ms / 1e3 / measured.texts_per_s) ** 0.5)


def fastest(tried: Sequence[Tried]) -> Tried:
    """The fastest of those within the limit, as `slowness` says and a server would choose.

    Raises:
        NoVariant: none of them is within the limit and was measured.
    """
    able = {one.name: one for one in tried if one.is_within and one.pace is not None}
    if not able:
        raise NoVariant("none of the candidates within the limit could be timed")
    found = [candidate for candidate in EVERY if str(candidate) in able]
    return able[str(choice.fastest({one: _slowness_of(able[str(one)]) for one in found}))]


def _slowness_of(tried: Tried) -> float:
    return inf if tried.pace is None else slowness(tried.pace)
