"""When requests are meant to be sent: decided before the first leaves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from goldcrest.errors import ConfigError

Doubles = NDArray[np.float64]

_SPIKE = re.compile(r"(\d+(?:\.\d+)?)x@(\d+(?:\.\d+)?)s(?:\+(\d+(?:\.\d+)?)s)?")
_SPIKE_S = 1.0


@dataclass(frozen=True, slots=True)
class Curve:
    """A rate that changes over time, straight between its points.

    Attributes:
        points: (seconds, requests a second), ascending in time; two at one time are a jump.
    """

    points: tuple[tuple[float, float], ...]

    @property
    def seconds(self) -> float:
        return self.points[-1][0]

    def cumulative(self) -> tuple[Doubles, Doubles]:
        """Times, and how many requests are expected until then.

        Straight pieces of a rate have curved sums, so each is cut into 32.
        """
        times, sums = [0.0], [0.0]
        for (start, rate), (end, later) in pairwise(self.points):
            if end <= start:
                continue
            share = np.linspace(0, 1, 33)[1:]
            area = (end - start) * (rate * share + (later - rate) * share**2 / 2)
            times.extend((start + (end - start) * share).tolist())
            sums.extend((sums[-1] + area).tolist())
        return np.array(times), np.array(sums)

    def scaled(self, factor: float) -> Curve:
        """The same curve at so many times the rate."""
        return Curve(tuple((at, rate * factor) for at, rate in self.points))


@dataclass(frozen=True, slots=True)
class Spike:
    """A rate that is ``factor`` times as high for ``seconds``, beginning at ``at``."""

    factor: float
    at: float
    seconds: float = _SPIKE_S


def level(rate: float, seconds: float) -> Curve:
    """One rate all the time."""
    return Curve(((0.0, rate), (seconds, rate)))


def ramp(first: float, last: float, seconds: float) -> Curve:
    """A rate that rises or falls evenly."""
    return Curve(((0.0, first), (seconds, last)))


def with_spike(rate: float, seconds: float, spike: Spike) -> Curve:
    """One rate but for a spike, which ends with the curve at the latest."""
    begin, end = min(spike.at, seconds), min(spike.at + spike.seconds, seconds)
    high = rate * spike.factor
    return Curve(
        ((0, rate), (begin, rate), (begin, high), (end, high), (end, rate), (seconds, rate))
    )


def read_spike(text: str) -> Spike:
    """Read a spike written as in ``5x@5s`` or, lasting 3 s instead of 1, ``5x@5s+3s``.

    Raises:
        ConfigError: it is not written so.
    """
    found = _SPIKE.fullmatch(text.replace(" ", ""))
    if found is None:
        raise ConfigError(f"--spike {text!r} is not valid; write it as in 5x@5s or 5x@5s+3s")
    factor, at, seconds = found.groups()
    return Spike(float(factor), float(at), float(seconds or _SPIKE_S))


def poisson(curve: Curve, generator: np.random.Generator) -> Doubles:
    """Arrivals that know nothing of each other, at the rate of the curve.

    Arrivals at rate one are drawn and then moved to where the curve's sum reaches them.
    """
    times, sums = curve.cumulative()
    expected = sums[-1]
    gaps = generator.exponential(size=int(expected + 8 * np.sqrt(expected) + 16))
    arrivals = np.cumsum(gaps)
    return np.asarray(np.interp(arrivals[arrivals < expected], sums, times))


def even(curve: Curve, *, part: int = 0, n_parts: int = 1) -> Doubles:
    """Arrivals at equal distances of expected requests; every ``n_parts``-th, from ``part`` on."""
    times, sums = curve.cumulative()
    return np.asarray(np.interp(np.arange(part + 0.5, sums[-1], n_parts), sums, times))
