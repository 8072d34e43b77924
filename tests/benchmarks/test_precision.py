"""The benchmark of precisions: its rows, and its tables."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from benchmarks.machine import Machine
from benchmarks.precision.limits import Standing
from benchmarks.precision.results import Conditions, Results, Speed, kept, markdown, write
from benchmarks.precision.sets import of_pairs

from goldcrest.optimize.result import Pace

MACHINE = Machine("Some", ("avx2",), 2, 4.0, "Linux", "3.12")
CONDITIONS = Conditions(machine=MACHINE, began_at="2030-01-01 00:00 UTC", load=0.5)


def standing(limit: str, name: str, texts_per_s: float) -> Standing:
    pace = Pace(
        texts_per_s=texts_per_s,
        least_texts_per_s=texts_per_s,
        most_texts_per_s=texts_per_s,
        tokens_per_s=texts_per_s * 30,
        lone_ms=1000 / texts_per_s,
        grid="4x64",
    )
    return Standing(limit, name, pace, 2**28, 1.0)


RESULTS = Results(
    speed=Speed(
        conditions=CONDITIONS,
        standings=(
            standing("none", "f32+f32", 100.0),
            standing("none", "int8+f32", 350.0),
            standing("AVX2", "f32+f32", 50.0),
            standing("AVX2", "int8+f32", 45.0),
        ),
    )
)


def test_each_is_compared_with_f32_under_its_own_limit() -> None:
    lines = [line for line in markdown(RESULTS).splitlines() if "int8+f32" in line]

    assert ["3.50x" in lines[0], "0.90x" in lines[1]] == [True, True]


def test_a_processor_without_amx_is_told() -> None:
    assert "This processor has no AMX" in markdown(RESULTS)


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    write(RESULTS, tmp_path)

    assert RESULTS == kept(tmp_path / "precision.json")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A tiny clinc150: two domains of two intents."""
    folder = tmp_path / "clinc150"
    folder.mkdir()
    domains = {"money": ["pay", "owe"], "travel": ["fly", "stay"]}
    intents = [intent for several in domains.values() for intent in several]
    rows = [[f"{intent} {number}", intent] for intent in intents for number in range(6)]
    train = [[f"train {number}", "pay"] for number in range(2_500)]
    (folder / "domains.json").write_text(json.dumps(domains))
    (folder / "data_full.json").write_text(json.dumps({"test": rows, "train": train}))
    return tmp_path


def test_pairs_are_graded_by_what_their_intents_have_in_common(data: Path) -> None:
    domain = {"pay": "money", "owe": "money", "fly": "travel", "stay": "travel"}
    rows = of_pairs(data)

    for row in rows.held_back:
        one, other = (row[name].split()[0] for name in ("text", "text_pair"))
        expected = 2 if one == other else 1 if domain[one] == domain[other] else 0
        assert expected == row["label"]
        assert row["text"] != row["text_pair"]
    assert {0: 2000, 1: 2000, 2: 2000} == Counter(row["label"] for row in rows.held_back)
