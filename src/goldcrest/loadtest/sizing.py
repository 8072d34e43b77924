"""How many replicas a load needs, how large each is, and what that costs; pure arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, inf

import msgspec

_MIB = 2**20
_GRAIN_MIB = 64
_MEMORY_HEADROOM = 1.3
"""Memory that a replica is given for each byte that it was seen to hold."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What must be borne.

    Attributes:
        rate: requests a second.
        peak: by how much bursts may exceed that.
        spare: replicas that may be lost at the peak without breaking the objective.
        texts_per_request: for the cost.
        mean_rate: over a day, for the cost; None: ``rate``.
    """

    rate: float
    peak: float = 1.2
    spare: int = 1
    texts_per_request: int = 1
    mean_rate: float | None = None


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of replica.

    Attributes:
        label: what tells it from others, such as a file's name.
        cores: that it has.
        resident_bytes: memory that it was seen to hold; 0 where unknown.
        sustainable: requests a second within the objective.
        price: of an hour.
    """

    label: str
    cores: float
    resident_bytes: int
    sustainable: float
    price: float


class Sized(msgspec.Struct, frozen=True, kw_only=True):
    """A load laid out over replicas of one size.

    Attributes:
        n_replicas: all of them, the spare ones too.
        rate_each: requests a second of each at the wanted rate.
        worst_each: at the peak, when as many are lost as may be.
        utilisation: ``rate_each`` of what one sustains.
        memory_mib: that a replica should be given; 0 where unknown.
        price: of an hour of all.
        cost_per_million: texts, at the mean rate.
    """

    size: Size
    n_replicas: int
    rate_each: float
    worst_each: float
    utilisation: float
    memory_mib: int
    price: float
    cost_per_million: float


def sized(wanted: Wanted, size: Size) -> Sized:
    """Lay a load out over replicas of one size.

    Raises:
        ValueError: if a replica of that size sustains nothing at all.
    """
    if size.sustainable <= 0:
        raise ValueError(f"a replica as in {size.label} keeps the objective at no rate at all")
    needed = ceil(wanted.rate * wanted.peak / size.sustainable - 1e-9)
    n_replicas = max(1, needed) + wanted.spare
    rate_each = wanted.rate / n_replicas
    mean_rate = wanted.rate if wanted.mean_rate is None else wanted.mean_rate
    price = n_replicas * size.price
    return Sized(
        size=size,
        n_replicas=n_replicas,
        rate_each=rate_each,
        worst_each=wanted.rate * wanted.peak / (n_replicas - wanted.spare),
        utilisation=rate_each / size.sustainable,
        memory_mib=memory_mib(size.resident_bytes),
        price=price,
        cost_per_million=cost_per_million(price, mean_rate * wanted.texts_per_request),
    )


def memory_mib(resident_bytes: int) -> int:
    """What a replica should be given: a third more than it held, in steps of 64 MiB."""
    return ceil(resident_bytes * _MEMORY_HEADROOM / _MIB / _GRAIN_MIB) * _GRAIN_MIB


def cost_per_million(price: float, texts_per_s: float) -> float:
    """What a million texts cost where an hour of everything costs ``price``."""
    return price / (texts_per_s * 3600) * 1e6 if texts_per_s > 0 else inf


def cheapest(options: Sequence[Sized]) -> Sized:
    """The layout that costs least; of equals, the one of fewest replicas.

    Raises:
        ValueError: if there are none.
    """
    if not options:
        raise ValueError("no size of a replica keeps the objective")
    return min(options, key=lambda option: (option.price, option.n_replicas))


def why(chosen: Sized, options: Sequence[Sized], broken: Sequence[str] = ()) -> str:
    """Say in a sentence why a layout was chosen.

    Args:
        chosen: of the options.
        options: the layouts that keep the objective.
        broken: labels of sizes that keep it at no rate.
    """
    own = _told(chosen)
    others = sorted(
        (option for option in options if option is not chosen), key=lambda option: option.price
    )
    left_out = f"; {', '.join(broken)} cannot keep the objective at all" if broken else ""
    if not others:
        return f"{own} keep the objective with what may be lost{left_out}."
    dearer = ", ".join(f"{_told(option)}" for option in others)
    return f"{own} are the cheapest that keep the objective; the others: {dearer}{left_out}."


def _told(option: Sized) -> str:
    return (
        f"{option.n_replicas} replicas of {option.size.cores:g} cores ({option.size.label}) "
        f"at {option.price:.2f} an hour"
    )
