"""The guide to choosing tells the weights and limits that the code has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from goldcrest.compare.measures import MEASURES
from goldcrest.compare.result import TargetName
from goldcrest.compare.target import QUALITY_WEIGHT, SWAP_WEIGHTS, TARGETS

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "choose.md"


def column(name: TargetName) -> dict[str, str]:
    """What the table of targets says of one."""
    text = GUIDE.read_text("utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    head = next(row for row in rows if f"`{name}`" in row)
    place = head.index(f"`{name}`")
    return {row[0]: row[place] for row in rows[rows.index(head) + 1 :] if len(row) == len(head)}


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_the_table_of_targets_is_that_of_the_code(name: TargetName) -> None:
    target, told = TARGETS[name], column(name)

    assert {m: f"{weight:g}" for m, weight in target.weights.items()} == {
        measure: told[measure] for measure in target.weights
    }
    assert target.about.removeprefix("a ").split()[0] in told["stands for"]
    for measure, bound in target.bounds.items():
        assert f"{measure} {MEASURES[measure].written(bound)}" in told["limits"]
    assert (str(target.n_threads) if target.n_threads else "as the settings say") == told[
        "engine threads"
    ]


def test_the_weights_of_quality_and_swaps_are_those_of_the_code() -> None:
    text = re.sub(r"\s+", " ", GUIDE.read_text("utf-8"))

    rarely, daily, hourly = (f"{SWAP_WEIGHTS[name]:g}" for name in ("rarely", "daily", "hourly"))
    assert (
        f"weighs {rarely} where updates are `rarely`, {daily} `daily` and {hourly} `hourly`" in text
    )
    assert f"Quality weighs {QUALITY_WEIGHT:g}" in text
