"""What contenders are compared by: where each figure is found, how it reads, which way is better."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from goldcrest.compare.result import Measured, MeasureName

_LEAST_QUALITY = 1e-3
"""What a quality of 0 or less, as a rank correlation may have, counts as where ratios are taken."""
_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of a contender.

    Attributes:
        read: in seconds, bytes, texts a second or as a share; None where it was not measured.
        written: a value as people read it.
        phrase: how a sentence speaks of it; {} is the value.
        is_more_better: else less is.
    """

    name: MeasureName
    read: Callable[[Measured], float | None]
    written: Callable[[float], str]
    phrase: str
    is_more_better: bool = False

    def worth(self, value: float, best: float) -> float:
        """How good a value is, as a share of the best: 1 for the best itself."""
        least = _LEAST_QUALITY if self.name == "quality" else _LEAST
        value, best = max(value, least), max(best, least)
        return value / best if self.is_more_better else best / value

    def said(self, one: Measured) -> str:
        """A contender's figure as it stands in a sentence."""
        value = self.read(one)
        if value is None:
            return f"no {self.name} measured"
        text = self.phrase.format(self.written(value))
        return text if one.quality is None else text.replace("quality", one.quality.metric)


def size(n_bytes: float) -> str:
    """A number of bytes; a megabyte is a million of them."""
    return f"{n_bytes / 1e9:.3g} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.3g} MB"


def duration(seconds: float) -> str:
    """A time."""
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def rate(per_second: float) -> str:
    """Texts a second."""
    return f"{round(per_second):,} texts/s" if per_second >= 100 else f"{per_second:.3g} texts/s"


def count(n: float) -> str:
    """A number of parameters."""
    return f"{n / 1e6:.3g} M"


def _quality(one: Measured) -> float | None:
    return None if one.quality is None else one.quality.value


def _resident(one: Measured) -> float | None:
    return float(one.resident_bytes) or None  # 0 where the system does not tell


_ALL = (
    Measure("quality", _quality, "{:.3f}".format, "quality {}", is_more_better=True),
    Measure("p99", lambda one: one.p99_ms / 1e3, duration, "a p99 of {}"),
    Measure("throughput", lambda one: one.texts_per_s, rate, "{}", is_more_better=True),
    Measure("memory", _resident, size, "{} of memory"),
    Measure("start", lambda one: one.first_start_s, duration, "a first start of {}"),
    Measure("swap", lambda one: one.swap_s, duration, "a swap of {}"),
    Measure("artifact", lambda one: float(one.artifact_bytes), size, "an artifact of {}"),
)
MEASURES: Mapping[MeasureName, Measure] = {measure.name: measure for measure in _ALL}
