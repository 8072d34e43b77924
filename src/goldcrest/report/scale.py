"""Axes: where a value lies, and which values are worth a label; pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

_LEAST = 1e-9
"""Of a logarithmic axis: the lowest value it begins at, as a share of its highest."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps values to places along an axis.

    Attributes:
        low: value at ``start``.
        high: value at ``end``; above ``low``.
        start: place in pixels.
        end: place in pixels; below ``start`` where an axis points up.
        is_log: whether equal ratios, rather than equal differences, are equally far apart.
    """

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def place(self, value: float) -> float:
        """Where a value lies; values beyond the ends lie at the ends."""
        kept = min(max(value, self.low), self.high)
        if self.is_log:
            share = log10(kept / self.low) / log10(self.high / self.low)
        else:
            share = (kept - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> Sequence[float]:
        """Round values between the ends, a handful of them."""
        return log_ticks(self.low, self.high) if self.is_log else ticks(self.low, self.high)


def fitted(
    values: Iterable[float],
    *,
    start: float,
    end: float,
    is_log: bool = False,
    is_close: bool = False,
) -> Scale:
    """A scale that holds all values: from 0, or from the power of ten below on a logarithmic one.

    Args:
        values: those that are not finite are left out.
        start: place of the lowest.
        end: place of the highest.
        is_log: whether it is logarithmic.
        is_close: whether it begins a little below the lowest value, so that small differences show.
    """
    finite = [value for value in values if isfinite(value) and (value > 0 or not is_log)]
    high = max(finite, default=1.0)
    if is_log:
        high = max(high, _LEAST)
        low = 10.0 ** floor(log10(max(min(finite, default=0.1), high * _LEAST)))
        top = max(_above(high), low * 10)
        return Scale(low, top, start, end, is_log=True)
    low = min(finite, default=0.0)
    if is_close and low < high:
        margin = 0.1 * (high - low)
        return Scale(low - margin, high + margin, start, end)
    low = min(0.0, low)
    return Scale(low, high * 1.05 if high > low else low + 1.0, start, end)


def _above(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** floor(log10(value))
    return next(power * step for step in (1, 2, 5, 10) if power * step >= value * 0.999)


def ticks(low: float, high: float, most: int = 7) -> Sequence[float]:
    """Multiples of 1, 2 or 5 times a power of ten, at most so many between the two."""
    rough = (high - low) / most
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def log_ticks(low: float, high: float) -> Sequence[float]:
    """1, 2 and 5 times the powers of ten between the two; powers alone if these are many."""
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    factors = (1, 2, 5) if len(powers) <= 4 else (1,)
    values = [factor * 10.0**power for power in powers for factor in factors]
    return [value for value in values if low * 0.999 <= value <= high * 1.001]


def written(value: float) -> str:
    """A number as people read it: three digits, thousands apart, no noise."""
    if not isfinite(value):
        return "∞"
    if abs(value) >= 1000:
        return f"{round(value):,}".replace(",", "\u2009")
    return f"{value:.3g}"
