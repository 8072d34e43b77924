"""The page and the charts that reports share."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reports import load_report

from goldcrest.loadtest.drawing import knee
from goldcrest.loadtest.page import headline, html
from goldcrest.report import Bars, Chart, Line, Page, Section, Series, Table, bars, chart, render
from goldcrest.report.scale import Scale, fitted, log_ticks, ticks, written

SVG = "{http://www.w3.org/2000/svg}"
finite = st.floats(0, 1e9)
points = st.lists(st.tuples(finite, finite), max_size=12)


def parsed(svg: str) -> ET.Element:
    plain = svg.encode().decode()  # not Markup, which escapes what is put into it
    return ET.fromstring(plain.replace("<svg ", f'<svg xmlns="{SVG[1:-1]}" ', 1))  # noqa: S314  # ours


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_few_and_lie_between_the_ends(low: float, wide: float) -> None:
    found = ticks(low, low + wide)

    assert 1 <= len(found) <= 9
    assert all(low - wide * 1e-6 <= tick <= low + wide * (1 + 1e-6) for tick in found)


@given(st.floats(1e-3, 1e3), st.floats(2, 1e6))
def test_logarithmic_ticks_lie_between_the_ends(low: float, ratio: float) -> None:
    assert all(low * 0.998 <= tick <= low * ratio * 1.002 for tick in log_ticks(low, low * ratio))


@given(st.lists(st.floats(1e-3, 1e6), min_size=1), st.booleans())
def test_a_fitted_scale_places_every_value_between_its_ends_in_order(
    values: list[float], is_log: bool
) -> None:
    scale = fitted(values, start=300, end=20, is_log=is_log)

    placed = [scale.place(value) for value in sorted(values)]
    assert all(20 - 1e-6 <= place <= 300 + 1e-6 for place in placed)
    assert sorted(placed, reverse=True) == pytest.approx(placed)


@given(points, st.booleans(), st.booleans())
def test_a_chart_of_any_points_is_well_formed(
    drawn: list[tuple[float, float]], is_log_x: bool, is_log_y: bool
) -> None:
    svg = parsed(
        chart(
            Chart(
                title="<t>",
                x="&",
                y='"',
                series=[Series("<s>", drawn)],
                lines=[Line("<l>", 5.0), Line("u", 7.0, is_upright=True)],
                is_log_x=is_log_x,
                is_log_y=is_log_y,
            )
        )
    )

    assert "nan" not in ET.tostring(svg, encoding="unicode").lower()
    assert "<s>" in [text.text for text in svg.iter(f"{SVG}text")]


def test_there_is_a_bar_for_every_value() -> None:
    svg = parsed(bars(Bars(title="t", y="n", names=["a", "b"], series=[("one", [1, 2])])))

    heights = [float(bar.get("height", "0")) for bar in svg.iter(f"{SVG}rect")][:2]
    assert heights[1] == pytest.approx(2 * heights[0], rel=0.02)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (12.345, "12.3"), (12345.0, "12\u2009345"), (float("inf"), "∞")]
)
def test_numbers_are_written_for_people(value: float, text: str) -> None:
    assert text == written(value)


def test_a_scale_stops_values_at_its_ends() -> None:
    assert 100 == Scale(0, 1, 0, 100).place(7)


def test_whatever_a_report_says_is_escaped() -> None:
    evil = "<script>alert(1)</script>"
    page = Page(
        evil, evil, [(evil, evil)], [Section(evil, [evil], tables=[Table([evil], [[evil]])])], evil
    )

    assert "<script" not in render(page)


def test_the_report_of_a_load_test_fetches_nothing_and_runs_nothing() -> None:
    page = html(load_report())

    assert not re.search(r"<script|https?://(?!127\.0\.0\.1)|@import|url\(", page)
    assert "Some &lt;Processor&gt;" in page


def test_the_headline_is_the_rate_that_was_found() -> None:
    assert "200 requests a second within p99<50ms." == headline(load_report())


def test_a_rate_that_only_the_client_could_not_exceed_is_said_to_be_the_least() -> None:
    seen = load_report()
    assert seen.found is not None
    found = msgspec.structs.replace(seen.found, broke_at=800.0)

    said = headline(msgspec.structs.replace(seen, found=found))

    assert "At least 200 requests a second within p99<50ms." == said


def test_a_closed_loop_is_not_said_to_show_stalls_in_full() -> None:
    seen = load_report()
    closed = tuple(msgspec.structs.replace(step, mode="closed") for step in seen.steps)

    page = html(msgspec.structs.replace(seen, steps=closed))

    assert "high quantiles flatter" in page
    assert "shows in full" not in page


def test_the_command_that_repeats_the_test_is_quoted() -> None:
    assert "--slo &#39;p99&lt;50ms&#39;" in html(load_report())


def test_the_knee_is_before_p99_trebles() -> None:
    assert 200.0 == knee(load_report().counted)
