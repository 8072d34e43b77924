"""Optimising: what the gate decides, what is tried, what is shipped, and what the report says."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from goldcrest.engine.processor import Processor
from goldcrest.errors import ConfigError, DataProblem, NoVariant, QualityLost, QuantizeFailed
from goldcrest.evaluate import Drop, MetricName, Row, TextSet
from goldcrest.optimize.choosing import native, needs_weights, require_faster, shipped
from goldcrest.optimize.gate import Gate
from goldcrest.optimize.page import html
from goldcrest.optimize.parts import parted
from goldcrest.optimize.result import (
    Kept,
    Loss,
    Machine,
    Pace,
    Report,
    SchemeTried,
    Texts,
    Tried,
    Verdict,
    read,
    write,
)
from goldcrest.optimize.sensitivity import fewest, ranked
from goldcrest.optimize.speed import Course, Round, fastest, pace
from goldcrest.optimize.told import headline, notes, rows

OLD = Processor("Old", frozenset({"avx2"}))
NEW = Processor("New", frozenset({"avx2", "avx512_vnni", "amx_bf16", "amx_int8"}))
ARM = Processor("Arm", frozenset({"asimddp", "asimdhp"}))


def drop(points: float, *, low: float, high: float, n_rows: int = 5000) -> Drop:
    return Drop(points=points, low=low, high=high, n_rows=n_rows)


def paced(texts_per_s: float, lone_ms: float = 5.0) -> Pace:
    return Pace(
        texts_per_s=texts_per_s,
        least_texts_per_s=texts_per_s * 0.9,
        most_texts_per_s=texts_per_s * 1.1,
        tokens_per_s=texts_per_s * 20,
        lone_ms=lone_ms,
        grid="4x64",
    )


def tried(
    name: str, verdict: Verdict = "passed", *, points: float = 0.1, measured: Pace | None = None
) -> Tried:
    """A candidate; f32 where it is the reference."""
    variant, _, hint = name.partition("+")
    loss = Loss(
        points=points, low=points - 0.2, high=points + 0.2, metric="f1", limit=0.5, is_unclear=False
    )
    return Tried(
        name=name,
        precision=variant if variant != "f32" else hint,
        variant=variant,
        verdict=verdict,
        reason="it is told why" if verdict == "failed" else f"loses {points} points",
        value=0.9,
        loss=None if verdict in ("reference", "failed") else loss,
        pace=measured,
        grown_bytes=2**27,
        start_s=1.25,
        file_bytes=10_000_000,
    )


PLAIN = tried("f32+f32", "reference", measured=paced(100))


@pytest.fixture
def report() -> Report:
    """Of a run with something of everything in it."""
    return Report(
        version="1",
        began_at="2030-01-01 00:00 UTC",
        model="a <model>",
        task="classify",
        metric="accuracy",
        max_drop=0.5,
        machine=Machine(processor="Some", features=("avx2",), threads=2, runtime="engine 1"),
        texts=Texts(
            data="a.jsonl",
            held_back="",
            is_labelled=False,
            n_held_back=900,
            n_calibration=100,
            n_timed=64,
            mean_tokens=12.5,
            n_truncated=3,
        ),
        tried=(
            PLAIN,
            tried("int8+f32", measured=paced(310)),
            tried("int8+bf16", "refused", points=0.9, measured=paced(320)),
            tried("int8-weights+f32", "failed"),
        ),
        schemes=(SchemeTried(scheme="MinMax", error=0.1, seconds=2.0),),
        kept=Kept(
            errors={"layer.0.expand": 0.02, "layer.1.expand": 0.3}, blocks=("layer.0.expand",)
        ),
        fastest="int8+f32",
        artifact="out",
        artifact_bytes=123_000_000,
        command=("goldcrest", "optimize", "a model"),
    )


def test_the_loss_as_measured_decides() -> None:
    gate = Gate("accuracy", 0.5)

    assert gate.passes(drop(0.5, low=0.1, high=0.9))
    assert not gate.passes(drop(0.51, low=0.1, high=0.9))


@pytest.mark.parametrize(
    ("metric", "found", "expected"),
    [
        ("accuracy", drop(0.3, low=0.1, high=0.6), True),
        ("accuracy", drop(0.3, low=0.1, high=0.45), False),
        ("accuracy", drop(2.0, low=1.5, high=2.5), False),
        ("accuracy", drop(0.0, low=0.0, high=0.0, n_rows=200), True),
        ("cosine", drop(0.1, low=0.05, high=0.15, n_rows=200), False),
    ],
    ids=["holds the limit", "below", "far above", "never changed, but few", "a smooth metric"],
)
def test_too_few_rows_are_told(metric: MetricName, found: Drop, expected: bool) -> None:
    assert expected is Gate(metric, 0.5).is_unclear(found)


def test_where_nothing_may_be_lost_and_nothing_is_that_is_clear() -> None:
    gate = Gate("accuracy", 0)

    assert not gate.is_unclear(drop(0.0, low=0.0, high=0.0, n_rows=20))
    assert gate.is_unclear(drop(0.0, low=-0.5, high=0.5, n_rows=20))


def test_a_refusal_names_the_metric_the_loss_and_the_limit() -> None:
    said = Gate("f1", 0.5).sentence(drop(1.234, low=1.0, high=1.5))

    assert "loses 1.23 (1.00 to 1.50) points of f1, more than the limit of 0.5" == said


def test_blocks_that_leave_the_least_error_are_the_most_sensitive() -> None:
    assert ("b", "c", "a") == ranked({"a": 0.3, "b": 0.1, "c": 0.2})


@pytest.mark.parametrize("needed", [1, 2, 3, 5, 8])
def test_no_more_blocks_stay_in_float_than_it_takes(needed: int) -> None:
    order = [f"block {number}" for number in range(10)]

    kept = fewest(order, lambda chosen: len(chosen) >= needed, most=8)

    assert tuple(order[:needed]) == kept


def test_more_blocks_than_allowed_never_stay_in_float() -> None:
    asked: list[int] = []

    def passes(chosen: tuple[str, ...]) -> bool:
        asked.append(len(chosen))
        return False

    assert fewest(["a", "b", "c", "d"], passes, most=3) is None
    assert 3 == max(asked)


def test_nothing_is_measured_where_no_block_may_stay() -> None:
    assert fewest(["a"], lambda _: pytest.fail("it was measured"), most=0) is None


def test_only_what_the_processor_does_in_hardware_is_tried() -> None:
    assert ["f32+f32", "int8+f32", "int8-weights+f32"] == list(map(str, native(OLD)))
    assert "f32+bf16" in map(str, native(NEW))
    assert "f32+f16" in map(str, native(ARM))


def test_a_demand_leaves_f32_as_what_is_compared_with() -> None:
    assert ["f32+f32", "int8+f32", "int8+bf16"] == list(map(str, native(NEW, ["int8"])))


def test_a_demand_that_would_be_emulated_is_refused() -> None:
    with pytest.raises(NoVariant, match="Old would emulate"):
        native(OLD, ["bf16"])


@pytest.mark.parametrize(
    ("processor", "int8", "expected"),
    [(NEW, "passed", False), (NEW, "refused", True), (NEW, "failed", True), (OLD, "passed", True)],
)
def test_weights_alone_are_tried_where_int8_is_slow_or_loses_too_much(
    processor: Processor, int8: Verdict, expected: bool
) -> None:
    found = [tried("int8+f32", int8)]

    assert expected is needs_weights(processor, (), found, tries_all=False)
    assert needs_weights(processor, (), found, tries_all=True)


def test_what_is_refused_is_not_shipped() -> None:
    able = shipped([PLAIN, tried("int8+f32"), tried("int8+bf16", "refused", points=0.9)], ())

    assert ["f32+f32", "int8+f32"] == [one.name for one in able]


def test_a_demanded_precision_is_shipped_alone() -> None:
    able = shipped([PLAIN, tried("int8+f32"), tried("f32+bf16")], ("int8",))

    assert ["int8+f32"] == [one.name for one in able]


def test_a_demanded_precision_that_loses_too_much_is_an_error_of_the_nearest() -> None:
    found = [
        PLAIN,
        tried("int8+f32", "refused", points=0.7),
        tried("int8+bf16", "refused", points=0.9),
    ]

    with pytest.raises(QualityLost, match=r"loses 0\.70 points of f1") as raised:
        shipped(found, ("int8",))
    assert ("f1", 0.7, 0.5) == (raised.value.metric, raised.value.points, raised.value.limit)


def test_a_demanded_precision_that_cannot_be_made_says_why() -> None:
    with pytest.raises(QuantizeFailed, match="it is told why"):
        shipped([PLAIN, tried("int8+f32", "failed")], ("int8",))


def test_a_faster_candidate_that_loses_too_much_is_told_where_one_is_required() -> None:
    found = [PLAIN, tried("int8+f32", "refused", points=0.9, measured=paced(300))]

    with pytest.raises(QualityLost):
        require_faster(found, PLAIN)


def test_where_nothing_is_faster_that_is_told() -> None:
    with pytest.raises(NoVariant, match="no precision is faster"):
        require_faster([PLAIN, tried("int8+f32", measured=paced(50, lone_ms=10))], PLAIN)


def test_the_fastest_is_what_a_server_would_choose() -> None:
    found = [
        PLAIN,
        tried("int8+f32", measured=paced(200, lone_ms=4)),
        tried("int8+bf16", measured=paced(205, lone_ms=4)),
    ]

    assert "int8+f32" == fastest(found).name


def test_the_pace_is_the_median_of_the_rounds() -> None:
    rounds = [Round(1.0, (0.010, 0.030, 0.020)), Round(2.0, (0.1,)), Round(1.25, (0.021,))]

    found = pace(Course(n_texts=100, n_tokens=2000, grid="4x64"), rounds)

    assert (80.0, 50.0, 100.0) == (
        found.texts_per_s,
        found.least_texts_per_s,
        found.most_texts_per_s,
    )
    assert [1600.0, pytest.approx(21.0)] == [found.tokens_per_s, found.lone_ms]


def test_the_fastest_is_fast_alone_and_under_load_and_passed() -> None:
    found = [
        PLAIN,
        tried("int8+f32", measured=paced(200, lone_ms=4)),
        tried("f32+bf16", measured=paced(210, lone_ms=9)),
        tried("int8+bf16", "refused", measured=paced(999, lone_ms=1)),
    ]

    assert "int8+f32" == fastest(found).name


def texts(n: int) -> TextSet:
    return TextSet("some.jsonl", tuple(Row(f"text {number}", "a") for number in range(n)))


def test_the_parts_share_no_text_and_lose_none() -> None:
    twice = TextSet("some.jsonl", texts(200).rows * 2)

    parts = parted(twice, "classify")

    held_back = {row.item for row in parts.held_back.rows}
    assert not held_back & {*parts.calibration, *parts.tuning}
    assert not {*parts.calibration} & {*parts.tuning}
    assert 200 == len(held_back) + len(parts.calibration) + len(parts.tuning)
    assert 2 * len(held_back) == len(parts.held_back)


def test_the_parts_are_the_same_whatever_the_order_of_the_rows() -> None:
    one, other = texts(100), TextSet("other.jsonl", texts(100).rows[::-1])

    assert parted(one, "classify").calibration == parted(other, "classify").calibration


def test_rows_that_are_held_back_are_not_calibrated_on() -> None:
    known = TextSet("held.jsonl", texts(30).rows)

    parts = parted(texts(100), "classify", known)

    assert known == parts.held_back
    assert 70 == len({*parts.calibration, *parts.tuning} - {row.item for row in known.rows})


def test_an_embedder_is_calibrated_on_single_texts() -> None:
    pairs = TextSet("p", tuple(Row((f"a {n}", f"b {n}"), 1.0) for n in range(40)))

    parts = parted(pairs, "embed")

    assert all(isinstance(item, str) for item in (*parts.calibration, *parts.tuning))
    assert isinstance(parts.held_back.rows[0].item, tuple)


def test_too_few_texts_are_refused() -> None:
    with pytest.raises(DataProblem, match=r"some\.jsonl has 7 different texts"):
        parted(texts(7), "classify")


def test_the_headline_names_the_fastest_and_what_it_gains(report: Report) -> None:
    assert (
        "int8+f32 is the fastest here of what loses at most 0.5 points of accuracy: 310 texts a "
        "second, 3.1 times f32." == headline(report)
    )


def test_a_refusal_is_the_headline(report: Report) -> None:
    refused = msgspec.structs.replace(report, refusal="too much is lost", fastest="")

    assert "Refused: too much is lost." == headline(refused)


def test_every_candidate_has_a_row_with_its_verdict(report: Report) -> None:
    assert ["reference", "fastest", "refused", "failed"] == [row[-1] for row in rows(report)]


def test_what_is_left_out_is_told(report: Report) -> None:
    told = list(notes(report))

    assert any(note.startswith("int8+bf16 is left out") for note in told)
    assert any(note.startswith("int8-weights+f32 is left out") for note in told)
    assert any("no labels" in note for note in told)


def test_the_page_holds_the_table_and_escapes_what_it_shows(report: Report) -> None:
    page = html(report)

    assert "a &lt;model&gt;" in page
    assert "0.90 (0.70 to 1.10)" in page
    assert "layer.0.expand" in page
    assert "<script" not in page


def test_a_report_is_read_as_it_was_written(report: Report, tmp_path: Path) -> None:
    write(report, tmp_path / "report.json")

    assert report == read(tmp_path / "report.json")


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}")

    with pytest.raises(ConfigError, match="no report of goldcrest optimize"):
        read(tmp_path / "other.json")
