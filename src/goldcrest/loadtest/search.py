"""Finds the highest rate within an objective: what to try next, decided from what was tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from goldcrest.loadtest.result import Found

FINE = 1.05
"""The search ends when the rates that held and broke are this close."""
CLEAR = 1.5
"""A step whose worst term is this far past its bound broke for good; a closer one is tried again."""
N_CONFIRM = 3
_FIRST_STRIDE = 1.6
LOWEST = 1.0
"""Requests a second below which nothing is looked for."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One step of the search.

    Attributes:
        excess: how far its worst term was from the bound; at most 1 is within.
        is_limited: whether the client, rather than the server, was the limit. A client that is
            late only adds to the latencies, so what held all the same did hold.
    """

    rate: float
    excess: float
    is_limited: bool = False

    @property
    def held(self) -> bool:
        return self.excess <= 1.0


@dataclass(frozen=True, slots=True)
class Next:
    """What to try."""

    rate: float
    kind: Literal["search", "confirm"]


@dataclass(frozen=True, slots=True)
class _Rate:
    """All tries at one rate."""

    rate: float
    tries: list[Tried] = field(default_factory=list)

    @property
    def n_held(self) -> int:
        return sum(tried.held for tried in self.tries)

    @property
    def n_broke(self) -> int:
        return len(self.tries) - self.n_held

    @property
    def is_clear(self) -> bool:
        return any(tried.excess > CLEAR and not tried.is_limited for tried in self.tries)

    @property
    def is_broken(self) -> bool:
        """It broke clearly, or more often than it held, and was given a second chance."""
        if self.is_clear:
            return self.n_broke >= self.n_held
        return self.n_broke >= 2 and self.n_broke > self.n_held

    @property
    def is_doubtful(self) -> bool:
        """It broke, though not for good; trying it again will tell."""
        return self.n_broke > 0 and not self.is_broken and self.n_held <= self.n_broke


def next_step(tried: Sequence[Tried], *, first: float, steps_left: int) -> Next | None:
    """Decide what to try next; None when the answer is known or no step is left.

    From ``first`` the rate grows, or shrinks, by a stride that grows too, until one rate held and
    a higher one broke. Then the gap is halved, by ratio. At last the highest rate that held is
    confirmed; if it breaks then, the search goes on below it.

    Args:
        tried: in order.
        first: the rate to begin with, above 0.
        steps_left: that may be tried still; the last two are kept to confirm.
    """
    if steps_left <= 0:
        return None
    if not tried:
        return Next(first, "search")
    return _next(tried, _rates(tried), steps_left)


def _next(tried: Sequence[Tried], rates: Sequence[_Rate], steps_left: int) -> Next | None:
    doubtful = [one for one in rates if one.is_doubtful and one.rate == tried[-1].rate]
    if doubtful:
        return Next(doubtful[0].rate, "search")
    low, high = _bracket(rates)
    if low is None:
        below = _below(tried, rates)
        return Next(below, "search") if high is not None and below >= LOWEST else None
    is_narrow = high is not None and high.rate / low.rate <= FINE * 1.001
    if not is_narrow and steps_left > N_CONFIRM - low.n_held:
        return Next(_between(rates, low, high), "search")
    if low.n_held < N_CONFIRM:
        return Next(low.rate, "confirm")
    return None


def found(tried: Sequence[Tried]) -> Found:
    """The answer that the steps give, with how sure it is."""
    low, high = _bracket(_rates(tried))
    broke_at = high.rate if high else None
    if low is None:
        return Found(
            rate=0.0,
            broke_at=broke_at,
            n_confirmed=0,
            sureness=0.0,
            note=_note_of_none(_rates(tried)),
        )
    # Whoever holds a higher rate holds this one too. One more of each kind than was seen, as
    # Laplace has it: three steps that held out of three make it 80 %.
    as_hard = [one for one in tried if one.rate >= low.rate and (one.held or one.rate == low.rate)]
    n_held = sum(one.held for one in as_hard)
    sureness = (n_held + 1) / (len(as_hard) + 2)
    return Found(
        rate=low.rate,
        broke_at=broke_at,
        n_confirmed=low.n_held,
        sureness=sureness,
        note=_note(low, high, sureness),
    )


def _note_of_none(rates: Sequence[_Rate]) -> str:
    for one in reversed(rates):
        if one.n_held:
            return (
                f"{one.rate:.4g} requests/s held {one.n_held} of {len(one.tries)} times, which is "
                "too few to count on; more --max-steps or --seconds would tell"
            )
    return "no rate that was tried held the objective"


def _note(low: _Rate, high: _Rate | None, sureness: float) -> str:
    times = "once" if low.n_held == 1 else f"{low.n_held} times"
    of = f" of {len(low.tries)}" if low.n_broke else ""
    held = f"it held {times}{of}; that it holds again is {sureness:.0%} likely"
    if high is None:
        return f"{held}; no rate that was tried broke it, so the limit is higher"
    if all(tried.is_limited for tried in high.tries if not tried.held):
        return f"{held}; at {high.rate:.4g} requests/s the client was the limit, not the server"
    return f"{held}; {high.rate:.4g} requests/s did not hold"


def _rates(tried: Sequence[Tried]) -> list[_Rate]:
    """The tries by rate, ascending."""
    rates: dict[float, _Rate] = {}
    for one in tried:
        rates.setdefault(one.rate, _Rate(one.rate)).tries.append(one)
    return [rates[rate] for rate in sorted(rates)]


def _bracket(rates: Sequence[_Rate]) -> tuple[_Rate | None, _Rate | None]:
    """The highest rate that held below all that broke, and the lowest that broke."""
    high = next((one for one in rates if one.is_broken), None)
    below = [one for one in rates if high is None or one.rate < high.rate]
    low = [one for one in below if one.n_held > one.n_broke]
    return (low[-1] if low else None), high


def _below(tried: Sequence[Tried], rates: Sequence[_Rate]) -> float:
    """Further below the lowest rate, the more of them broke since one held."""
    since = next((n for n, one in enumerate(reversed(tried)) if one.held), len(tried))
    n_broken = len({one.rate for one in tried[len(tried) - since :]})
    return rates[0].rate / _FIRST_STRIDE ** min(max(1, n_broken), 3)


def _between(rates: Sequence[_Rate], low: _Rate, high: _Rate | None) -> float:
    if high is not None:
        return float((low.rate * high.rate) ** 0.5)
    n_held = sum(one.n_held > one.n_broke for one in rates)
    return low.rate * _FIRST_STRIDE ** min(n_held, 3)
