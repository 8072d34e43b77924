"""Charts as SVG text: small pure functions, coloured by the page's style sheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import isfinite
from typing import Literal

from markupsafe import Markup

from goldcrest.report.labels import Box, labels
from goldcrest.report.scale import Scale, fitted, written

WIDTH, HEIGHT = 760, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 30, 46
N_COLOURS = 6
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """Points that belong together.

    Attributes:
        colour: number of a colour of the page, from 0.
        style: joined by a line, or dots alone.
        labels: a name beside each point; none where it is empty.
    """

    name: str
    points: Sequence[Point]
    colour: int = 0
    style: Literal["line", "dots"] = "line"
    labels: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A line across the chart at one value, with its name."""

    name: str
    at: float
    is_upright: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart of series over numbers.

    Attributes:
        title: read aloud in place of the chart.
        is_log_x: whether the horizontal axis is logarithmic.
        is_log_y: whether the upright one is.
        is_close: whether the upright axis begins near the lowest value in place of 0.
    """

    title: str
    x: str
    y: str
    series: Sequence[Series]
    lines: Sequence[Line] = ()
    is_log_x: bool = False
    is_log_y: bool = False
    is_close: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """A bar per name, in groups of one per series.

    Attributes:
        names: below the bars.
        series: (name, a value for each of ``names``).
    """

    title: str
    y: str
    names: Sequence[str]
    series: Sequence[tuple[str, Sequence[float]]]


def chart(drawn: Chart) -> Markup:
    """Draw series as lines or dots."""
    points = [point for series in drawn.series for point in series.points if _is_drawn(point)]
    upright = [line.at for line in drawn.lines if line.is_upright]
    flat = [line.at for line in drawn.lines if not line.is_upright]
    x = fitted(
        [*(x for x, _ in points), *upright], start=_LEFT, end=WIDTH - _RIGHT, is_log=drawn.is_log_x
    )
    y = fitted(
        [*(y for _, y in points), *flat],
        start=HEIGHT - _BOTTOM,
        end=_TOP,
        is_log=drawn.is_log_y,
        is_close=drawn.is_close,
    )
    parts = [
        *_grid(x, y, drawn.x, drawn.y),
        *(part for line in drawn.lines for part in _line(line, x, y)),
        *(part for series in drawn.series for part in _series(series, x, y)),
        *_labels(drawn.series, x, y),
        *_legend([(series.name, series.colour) for series in drawn.series]),
    ]
    return _svg(drawn.title, parts)


def bars(drawn: Bars) -> Markup:
    """Draw groups of bars."""
    y = fitted(
        [value for _, values in drawn.series for value in values], start=HEIGHT - _BOTTOM, end=_TOP
    )
    wide = (WIDTH - _LEFT - _RIGHT) / max(1, len(drawn.names))
    x = Scale(0, max(1, len(drawn.names)), _LEFT, WIDTH - _RIGHT)
    each = wide * 0.8 / max(1, len(drawn.series))
    parts = list(_upright_grid(y, drawn.y))
    step = max(1, -(-len(drawn.names) // 14))
    for number, name in enumerate(drawn.names):
        if number % step == 0:
            parts.append(_text(x.place(number + 0.5), HEIGHT - _BOTTOM + 16, name, "middle"))
    for colour, (name, values) in enumerate(drawn.series):
        for number, value in enumerate(values):
            left = x.place(number) + wide * 0.1 + each * colour
            top = y.place(value)
            parts.append(
                f'<rect class="fill c{colour % N_COLOURS}" x="{left:.1f}" y="{top:.1f}" '
                f'width="{max(1.0, each):.1f}" height="{max(0.0, HEIGHT - _BOTTOM - top):.1f}">'
                f"<title>{escape(f'{drawn.names[number]} {name}: {written(value)}')}</title></rect>"
            )
    named = [(name, colour) for colour, (name, _) in enumerate(drawn.series) if name]
    return _svg(drawn.title, [*parts, *_legend(named)])


def _is_drawn(point: Point) -> bool:
    return all(map(isfinite, point))


def _svg(title: str, parts: Sequence[str]) -> Markup:
    body = "".join(parts)
    return Markup(  # noqa: S704  # every text within was escaped
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title, quote=True)}">{body}</svg>'
    )


def _grid(x: Scale, y: Scale, x_title: str, y_title: str) -> Iterator[str]:
    yield from _upright_grid(y, y_title)
    for tick in x.ticks():
        place = x.place(tick)
        yield _stroke("grid", place, _TOP, place, HEIGHT - _BOTTOM)
        yield _text(place, HEIGHT - _BOTTOM + 16, written(tick), "middle")
    yield _text((x.start + x.end) / 2, HEIGHT - 8, x_title, "middle")


def _upright_grid(y: Scale, title: str) -> Iterator[str]:
    for tick in y.ticks():
        place = y.place(tick)
        yield _stroke("grid", _LEFT, place, WIDTH - _RIGHT, place)
        yield _text(_LEFT - 6, place + 4, written(tick), "end")
    yield (
        f'<text transform="translate(14 {(y.start + y.end) / 2:.0f}) rotate(-90)" '
        f'text-anchor="middle">{escape(title)}</text>'
    )


def _line(line: Line, x: Scale, y: Scale) -> Iterator[str]:
    if line.is_upright:
        place = x.place(line.at)
        yield _stroke("mark", place, _TOP, place, HEIGHT - _BOTTOM)
        is_right = place > (x.start + x.end) / 2
        shift, anchor = (-5, "end") if is_right else (5, "start")
        yield _text(place + shift, _TOP + 12, line.name, anchor)
    else:
        place = y.place(line.at)
        yield _stroke("mark", _LEFT, place, WIDTH - _RIGHT, place)
        yield _text(WIDTH - _RIGHT - 4, place - 4, line.name, "end")


def _series(series: Series, x: Scale, y: Scale) -> Iterator[str]:
    placed = [(x.place(a), y.place(b), a, b) for a, b in series.points if _is_drawn((a, b))]
    colour = f"c{series.colour % N_COLOURS}"
    if series.style == "line" and len(placed) > 1:
        path = " ".join(f"{across:.1f},{up:.1f}" for across, up, _, _ in placed)
        yield f'<polyline class="line {colour}" points="{path}"/>'
    if series.style == "line" and len(placed) > 80:  # they would hide the line
        return
    for across, up, a, b in placed:
        told = escape(f"{series.name}: {written(b)} at {written(a)}")
        yield (
            f'<circle class="fill {colour}" cx="{across:.1f}" cy="{up:.1f}" r="3.5">'
            f"<title>{told}</title></circle>"
        )


def _labels(drawn: Sequence[Series], x: Scale, y: Scale) -> Iterator[str]:
    named = [
        (x.place(point[0]), y.place(point[1]), name)
        for series in drawn
        for point, name in zip(series.points, series.labels, strict=bool(series.labels))
        if _is_drawn(point)
    ]
    for label in labels(named, Box(_LEFT, _TOP, WIDTH, HEIGHT - _BOTTOM)):
        yield _text(label.x, label.y, label.text, label.anchor)


def _legend(names: Sequence[tuple[str, int]]) -> Iterator[str]:
    left = float(_LEFT)
    for name, colour in names:
        yield (
            f'<rect class="fill c{colour % N_COLOURS}" x="{left:.0f}" y="10" width="10" '
            f'height="10" rx="2"/>'
        )
        yield _text(left + 15, 19, name, "start")
        left += 32 + 7.2 * len(name)


def _stroke(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
