"""Limits, as written on the command line and as judged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from goldcrest.compare.measures import MEASURES
from goldcrest.compare.result import Broken, Limit, Measured, MeasureName
from goldcrest.errors import ConfigError

_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z%]*)")
_BYTES = {"kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2.0**10, "mib": 2.0**20, "gib": 2.0**30}
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0}
_SHARES = {"": 1.0, "%": 0.01}


def read_bytes(text: str) -> float:
    """Read a size such as ``300MB`` or ``2GiB``; a megabyte is a million bytes, a MiB 2**20.

    Raises:
        ConfigError: it is not written so, or is 0.
    """
    return _read(text, _BYTES, "a size such as 300MB or 2GiB")


def read_seconds(text: str) -> float:
    """Read a time such as ``20ms`` or ``1.5s``.

    Raises:
        ConfigError: it is not written so, or is 0.
    """
    return _read(text, _SECONDS, "a time such as 20ms or 1.5s")


def read_share(text: str) -> float:
    """Read a share such as ``0.9`` or ``90%``.

    Raises:
        ConfigError: it is not written so, is 0, or above 1.
    """
    share = _read(text, _SHARES, "a share such as 0.9 or 90%")
    if share > 1:
        raise ConfigError(f"{text!r} is more than 1; write a share such as 0.9 or 90%")
    return share


def _read(text: str, units: Mapping[str, float], wanted: str) -> float:
    found = _NUMBER.fullmatch(text.strip())
    unit = found[2].lower() if found else "?"
    if found is None or unit not in units or not float(found[1]):
        raise ConfigError(f"{text!r} is not valid; write {wanted}")
    return float(found[1]) * units[unit]


READERS: Mapping[MeasureName, Callable[[str], float]] = {
    "quality": read_share,
    "p99": read_seconds,
    "start": read_seconds,
    "swap": read_seconds,
    "memory": read_bytes,
    "artifact": read_bytes,
}
"""How the limit of each measure is read; throughput has none."""


def read_limit(measure: MeasureName, text: str, flag: str) -> Limit:
    """Read what a flag says.

    Raises:
        ConfigError: it is not written as the measure's limits are; the flag is named.
    """
    try:
        return Limit(measure=measure, bound=READERS[measure](text), by=flag)
    except ConfigError as error:
        raise ConfigError(f"{flag} {error}") from error


def excess(one: Measured, limit: Limit) -> float:
    """How far a contender is from a limit: at most 1 keeps it, 2 is twice what is allowed.

    What was not measured breaks every limit on it.
    """
    measure = MEASURES[limit.measure]
    value = measure.read(one)
    return float("inf") if value is None else 1 / measure.worth(value, limit.bound)


def broken(contenders: Sequence[Measured], limits: Sequence[Limit]) -> tuple[Broken, ...]:
    """Every limit that a contender does not keep."""
    return tuple(_broken(contenders, limits))


def _broken(contenders: Sequence[Measured], limits: Sequence[Limit]) -> Iterator[Broken]:
    for one in contenders:
        for limit in limits:
            if excess(one, limit) > 1:
                value = MEASURES[limit.measure].read(one)
                yield Broken(name=one.name, value=value or 0.0, limit=limit)


def bound_of(limit: Limit) -> str:
    """A limit as it stands behind a value: "limit 20 ms", or "at least 0.9"."""
    if limit.measure == "quality":
        return f"at least {limit.bound:.3g}"
    return f"limit {MEASURES[limit.measure].written(limit.bound)}"
