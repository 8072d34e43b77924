"""The charts of a comparison: what a contender is worth over what it costs, and the front."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from goldcrest.compare.front import front
from goldcrest.compare.limit import bound_of
from goldcrest.compare.result import Comparison, Measured
from goldcrest.report import Chart, Line, Series

_FRONT, _OTHERS, _PICK = 0, 5, 3


@dataclass(frozen=True, slots=True)
class Axis:
    """A figure along an axis.

    Attributes:
        title: with its unit.
        read: in that unit.
        is_more_better: else less is.
        is_log: whether equal ratios are equally far apart.
    """

    title: str
    read: Callable[[Measured], float]
    is_more_better: bool
    is_log: bool = True

    @property
    def name(self) -> str:
        """The title without its unit."""
        return self.title.partition(",")[0]

    def coordinate(self, one: Measured) -> float:
        """Of the front: more is better."""
        return self.read(one) if self.is_more_better else -self.read(one)


LATENCY = Axis("p99 with one client, ms", lambda one: one.p99_ms, is_more_better=False)
RATE = Axis("texts a second", lambda one: one.texts_per_s, is_more_better=True)
PARAMETERS = Axis("parameters, M", lambda one: one.n_parameters / 1e6, is_more_better=True)


def worth(seen: Comparison) -> Axis:
    """What a model is worth: its quality, or how much it can hold where quality is not known."""
    judged = [one.quality for one in seen.measured]
    if any(quality is None for quality in judged):
        return PARAMETERS
    metric = next(quality.metric for quality in judged if quality)
    return Axis(
        metric,
        lambda one: one.quality.value if one.quality else 0.0,
        is_more_better=True,
        is_log=False,
    )


def charts(seen: Comparison) -> tuple[Chart, Chart]:
    """Worth over latency, and over throughput."""
    up = worth(seen)
    return _chart(seen, LATENCY, up), _chart(seen, RATE, up)


def on_front(seen: Comparison, across: Axis, up: Axis) -> tuple[str, ...]:
    """The names of the contenders that no other beats in both."""
    points = [(across.coordinate(one), up.coordinate(one)) for one in seen.measured]
    return tuple(seen.measured[number].name for number in front(points))


def _chart(seen: Comparison, across: Axis, up: Axis) -> Chart:
    names = on_front(seen, across, up)
    return Chart(
        title=f"{up.title} over {across.title}",
        x=across.title,
        y=up.title,
        series=list(_series(seen, names, across, up)),
        lines=list(_limits(seen)) if across is LATENCY else (),
        is_log_x=across.is_log,
        is_log_y=up.is_log,
        is_close=not up.is_log,
    )


def _series(seen: Comparison, names: Sequence[str], across: Axis, up: Axis) -> Iterator[Series]:
    """The front as a line, the others as dots, and the pick once more in a colour of its own."""
    best = [one for one in seen.measured if one.name in names]
    rest = [one for one in seen.measured if one.name not in names]
    picked = [one for one in seen.measured if seen.choice and one.name == seen.choice.chosen]

    def series(title: str, among: Sequence[Measured], colour: int, *, is_line: bool) -> Series:
        ordered = sorted(among, key=across.read)
        return Series(
            title,
            [(across.read(one), up.read(one)) for one in ordered],
            colour,
            "line" if is_line else "dots",
            () if colour == _PICK else [one.name for one in ordered],
        )

    yield series("Pareto front", best, _FRONT, is_line=True)
    if rest:
        yield series("others", rest, _OTHERS, is_line=False)
    if picked:
        yield series("the pick", picked, _PICK, is_line=False)


def _limits(seen: Comparison) -> Iterator[Line]:
    for limit in seen.choice.limits if seen.choice else ():
        if limit.measure == "p99":
            yield Line(bound_of(limit), 1e3 * limit.bound, is_upright=True)
