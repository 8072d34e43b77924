"""What a process has counted, as plain data: it may be sent, and made one with that of others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from goldcrest.metrics.specs import PROCESS, SPECS, Labels

Numbers = Sequence[float]
"""One figure; of a histogram, the count of each bucket by itself, then the sum of the values."""
Figures = Mapping[str, Mapping[Labels, Numbers]]
"""By the key of a description, then by the values of its labels."""

_WAYS: Mapping[str, Callable[[float, float], float]] = {
    "sum": lambda one, other: one + other,
    "min": min,
    "max": max,
}


def merged(several: Iterable[Figures]) -> Figures:
    """Make one of the figures of several processes, each as its description says."""
    whole: dict[str, dict[Labels, Numbers]] = {}
    for figures in several:
        for key, series in figures.items():
            _add(whole.setdefault(key, {}), series, _WAYS[_merge_of(key)])
    return whole


def lasting(figures: Figures) -> Figures:
    """Only what outlives its process: totals, so that they never fall."""
    return {key: series for key, series in figures.items() if not _is_gauge(key)}


def risen(figures: Figures, told: Figures) -> Figures:
    """Figures whose totals are at least what was told of them before.

    Sums of the same seconds in another order may differ in their last digit, and whoever scrapes
    takes a total that fell by so much for a process that began anew.
    """
    whole = {key: dict(series) for key, series in figures.items()}
    for key, series in lasting(told).items():
        _add(whole.setdefault(key, {}), series, max)
    return whole


def _add(
    whole: dict[Labels, Numbers],
    series: Mapping[Labels, Numbers],
    way: Callable[[float, float], float],
) -> None:
    for labels, numbers in series.items():
        before = whole.get(labels)
        whole[labels] = numbers if before is None else [*map(way, before, numbers)]


def _merge_of(key: str) -> str:
    return (SPECS.get(key) or PROCESS[key]).merge


def _is_gauge(key: str) -> bool:
    return (SPECS.get(key) or PROCESS[key]).kind == "gauge"
