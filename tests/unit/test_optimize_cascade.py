"""Fitting a cascade: what is measured, what is chosen, what is told and written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from goldcrest.config import load
from goldcrest.errors import ConfigError, DataProblem
from goldcrest.evaluate import Row, TextSet
from goldcrest.names import Overflow, ProblemType, Readable, TaskName
from goldcrest.optimize.cascade import candidates
from goldcrest.optimize.cascade_asking import Candidate, listen
from goldcrest.optimize.cascade_fitting import Fitting, Wish, fit_cascade, halves
from goldcrest.optimize.cascade_page import html, settings
from goldcrest.optimize.cascade_report import CascadeReport, Source, report
from goldcrest.optimize.result import Machine
from goldcrest.tasks import Reply, Task
from goldcrest.testing import ManualClock
from goldcrest.values import Item

N_ROWS = 2000
TEXTS = TextSet("tickets.csv", tuple(Row(f"text {i}", str(i % 2)) for i in range(N_ROWS)))


def number(item: Item) -> int:
    return int(str(item).split()[1])


@dataclass
class Pretender:
    """A model that is right, and sure, about all but each so-manieth text.

    Attributes:
        doubts_each: of that many texts, it doubts one, and is wrong about it.
        fails_each: of that many texts, it is wrong about one, and sure.
        seconds: per text, on the clock.
    """

    clock: ManualClock
    seconds: float
    doubts_each: int = 10**9
    fails_each: int = 10**9
    task: Readable = "classify"
    tasks: tuple[TaskName, ...] = ("classify",)
    labels: tuple[str, ...] = ("0", "1")
    problem_type: ProblemType | None = "single_label_classification"
    asked: list[str] = field(default_factory=list)

    def predict(
        self, task: Task[Any], items: Sequence[Item], *, overflow: Overflow = "truncate"
    ) -> Reply[Any]:
        self.asked += map(str, items)
        self.clock.advance(self.seconds * len(items))
        n = len(items)
        outputs = np.array([self._row(number(item)) for item in items], np.float32)
        return Reply("m", outputs, self.labels, (8,) * n, (0,) * n, (1,) * n)

    def _row(self, i: int) -> list[float]:
        is_doubted = i % self.doubts_each == 0
        is_wrong = is_doubted or i % self.fails_each == 1
        sure = 0.6 if is_doubted else 0.9 + 0.05 * (i % 7) / 7
        label = (i + is_wrong) % 2
        return [1 - sure, sure] if label else [sure, 1 - sure]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def small(clock: ManualClock) -> Pretender:
    """It doubts a quarter of the texts, and is right about all others."""
    return Pretender(clock, seconds=0.001, doubts_each=4)


@pytest.fixture
def large(clock: ManualClock) -> Pretender:
    return Pretender(clock, seconds=0.01, fails_each=50)


def candidate(name: str, model: Pretender) -> Candidate:
    kind: ProblemType = "single_label_classification"
    return Candidate(name, model, kind)


def fitted(*models: Pretender, data: TextSet = TEXTS, **wish: Any) -> Fitting:
    names = ("small", "large") if len(models) == 2 else ("small", "medium", "large")
    found = [candidate(name, model) for name, model in zip(names, models, strict=True)]
    return fit_cascade(found, data, Wish(**wish), clock=models[0].clock)


def told(fitting: Fitting) -> CascadeReport:
    sources = [Source(f"/models/{one.name}", "int8") for one in fitting.members]
    machine = Machine(processor="a processor", features=("avx2",), threads=2, runtime="none")
    return report(
        fitting, sources, [TEXTS.name], machine=machine, command=("goldcrest",), made_by="goldcrest"
    )


# What is chosen ---------------------------------------------------------------------------


def test_the_threshold_parts_what_is_doubted_from_the_rest(
    small: Pretender, large: Pretender
) -> None:
    confirmed = fitted(small, large).confirmed

    assert confirmed is not None
    assert 0.6 < confirmed.config.thresholds[0] <= 0.9
    assert 0.25 == pytest.approx(confirmed.measured.escalated, abs=0.03)


def test_the_time_is_that_of_all_who_are_asked(small: Pretender, large: Pretender) -> None:
    confirmed = fitted(small, large).confirmed

    assert confirmed is not None
    assert 0.001 + 0.01 * confirmed.measured.escalated == pytest.approx(confirmed.measured.seconds)


def test_a_drop_is_confirmed_on_rows_that_were_not_fitted_on(
    small: Pretender, large: Pretender
) -> None:
    fitting = fitted(small, large)

    assert fitting.confirmed is not None
    assert N_ROWS == fitting.n_fitted + fitting.confirmed.drop.n_rows


def test_a_cascade_may_be_better_than_its_last_member(small: Pretender, large: Pretender) -> None:
    confirmed = fitted(small, large).confirmed

    assert confirmed is not None
    assert confirmed.drop.points < 0


def test_what_loses_more_on_other_rows_than_it_may_is_told(
    clock: ManualClock, small: Pretender
) -> None:
    fitting = fitted(small, Pretender(clock, seconds=0.01), max_drop=0.5)
    assert fitting.confirmed is not None
    lost = replace(fitting.confirmed.drop, points=0.75)

    unlucky = replace(fitting, confirmed=replace(fitting.confirmed, drop=lost))

    assert not unlucky.is_within
    assert "more than the limit of 0.5" in told(unlucky).verdict


def test_without_labels_quality_is_agreement_with_the_last_model(
    clock: ManualClock, small: Pretender
) -> None:
    unlabelled = TextSet("texts.txt", tuple(Row(row.item) for row in TEXTS.rows))
    large = Pretender(clock, seconds=0.01)

    fitting = fitted(small, large, data=unlabelled)

    assert ("agreement", 1.0) == (fitting.metric, fitting.qualities[-1].value)
    assert fitting.confirmed is not None


def test_of_three_who_answers_nothing_is_left_out(
    clock: ManualClock, small: Pretender, large: Pretender
) -> None:
    medium = Pretender(clock, seconds=0.009, doubts_each=2)

    confirmed = fitted(small, medium, large).confirmed

    assert confirmed is not None
    assert ("small", "large") == confirmed.config.members


def test_each_model_is_asked_once_about_each_text(small: Pretender, large: Pretender) -> None:
    twice = TextSet("twice", TEXTS.rows[:600] * 2)

    fitted(small, large, data=twice)

    n_warming = 30  # a twentieth of them
    assert 600 + n_warming == len(large.asked)


def test_equal_texts_are_on_one_side() -> None:
    twice = TextSet("twice", TEXTS.rows[:100] * 2)

    first, second = halves(twice)

    assert set() == set(first.items) & set(second.items)


def test_what_is_held_back_is_not_fitted_on() -> None:
    held_back = TextSet("others.csv", TEXTS.rows[:500])

    first, second = halves(TEXTS, held_back)

    assert (N_ROWS - 500, held_back) == (len(first), second)


# Where no cascade helps -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "wish", "sentence"),
    [
        ({"doubts_each": 10**9}, {}, "No cascade is needed: small alone loses at most"),
        ({"seconds": 0.02}, {}, "no other model is faster than large"),
        ({"fails_each": 3}, {}, "No cascade helps: wherever"),
        ({}, {"max_drop": 0.1}, "rows cannot show that at most 0.1 points are lost"),
    ],
    ids=["small enough", "slow", "wrong and sure", "too few rows"],
)
def test_why_there_is_none_is_said(
    small: Pretender,
    clock: ManualClock,
    change: dict[str, Any],
    wish: dict[str, Any],
    sentence: str,
) -> None:
    for name, value in change.items():
        setattr(small, name, value)

    found = told(fitted(small, Pretender(clock, seconds=0.01), **wish))

    assert sentence in found.verdict
    assert found.confirmed is None


# What is refused --------------------------------------------------------------------------


def test_a_single_model_is_no_cascade(small: Pretender) -> None:
    with pytest.raises(ConfigError, match="two models or more"):
        fit_cascade([candidate("small", small)], TEXTS, Wish())


def test_models_with_other_labels_are_refused(small: Pretender, large: Pretender) -> None:
    large.labels = ("0", "2")

    with pytest.raises(ConfigError, match="'small' alone has '1'; 'large' alone has '2'"):
        fitted(small, large)


def test_a_metric_of_scores_is_refused(small: Pretender, large: Pretender) -> None:
    with pytest.raises(ConfigError, match="takes accuracy or f1 or agreement"):
        fitted(small, large, metric="spearman")


def test_nothing_to_lose_is_refused(small: Pretender, large: Pretender) -> None:
    with pytest.raises(ConfigError, match="allow more than 0"):
        fitted(small, large, max_drop=0.0)


def test_a_label_that_nobody_knows_is_refused(small: Pretender, large: Pretender) -> None:
    with pytest.raises(DataProblem):
        fitted(small, large, data=TextSet("odd", (*TEXTS.rows, Row("text 1", "odd"))))


# What is measured, told and written -------------------------------------------------------


def test_the_pace_is_that_of_the_middle_part(clock: ManualClock, small: Pretender) -> None:
    items = [f"text {i}" for i in range(100)]

    (kept,) = listen([candidate("small", small)], items, clock=clock, progress=lambda *_: None)

    assert 0.001 / 8 == pytest.approx(kept.seconds_per_token)


def test_thresholds_are_tried_where_answers_lie() -> None:
    confidence = np.array([0.5, 0.25, np.nan], np.float32)

    assert [0.0, 0.25, 0.375, 0.5, np.inf] == candidates(confidence, 5)


def test_the_settings_are_served_as_they_stand(
    small: Pretender, large: Pretender, tmp_path: Path
) -> None:
    fitting = fitted(small, large)
    file = tmp_path / "cascade.toml"
    file.write_text(settings(told(fitting)))

    config = load({}, environ={}, file=file, n_processors=2).config

    assert fitting.confirmed is not None
    assert (fitting.confirmed.config,) == config.cascades
    assert ["/models/small", "/models/large"] == [model.source for model in config.models]


def test_a_report_is_read_again(small: Pretender, large: Pretender) -> None:
    found = told(fitted(small, large))

    assert found == msgspec.json.decode(msgspec.json.encode(found), type=CascadeReport)


def test_the_page_shows_the_curve_and_the_settings(small: Pretender, large: Pretender) -> None:
    page = html(told(fitted(small, large)))

    assert 2 == page.count("<svg")
    assert "[[cascades]]" in page
