"""Probes: which shapes they warm, which grids they form, and what they tell."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from goldcrest.artifact import Artifact
from goldcrest.optimize.orders import Failed, Go, Opened, Ready, Seen, Setup, Told, Warm, read_told
from goldcrest.optimize.probe import (
    N_LONE,
    House,
    alone,
    backlog,
    most_used,
    serve,
    spread,
    worth_warming,
)
from goldcrest.optimize.probing import Subject, measured
from goldcrest.optimize.watch import Silent
from goldcrest.packing.cost import CostTable
from goldcrest.packing.ladder import ladder
from goldcrest.testing import FakeEngine
from goldcrest.values import Encoding, Shape

COSTS = {Shape(1, 16): 0.002, Shape(1, 64): 0.004, Shape(4, 64): 0.012}


def encodings(*lengths: int) -> list[Encoding]:
    return [Encoding(np.full(length, number, np.int32)) for number, length in enumerate(lengths)]


def setup(artifact: Artifact, **changes: object) -> Setup:
    plain = Setup(
        artifact=str(artifact.folder),
        precision="f32",
        variant="f32",
        hint="f32",
        n_threads=1,
        items=("a text", "another one, and a longer one"),
        max_tokens=256,
        objective_s=1.0,
    )
    return msgspec.structs.replace(plain, **changes)


def told(*orders: Setup | Warm | Go, engine: FakeEngine | None = None) -> list[Told]:
    """What a probe tells of these orders, with an engine without a model."""
    resident = iter(range(1000, 10**6, 1000))
    house = House(lambda *_: engine or FakeEngine(), lambda: None, lambda: next(resident))
    lines, output = [msgspec.json.encode(order) for order in orders], io.BytesIO()
    serve(lines, output, house)
    return [read_told(line) for line in output.getvalue().splitlines()]


def test_a_probe_answers_each_order(tiny: Artifact) -> None:
    opened, ready, seen = told(setup(tiny), Warm(), Go())

    assert Opened() == opened
    assert isinstance(ready, Ready)
    assert 2 == ready.n_texts
    assert isinstance(seen, Seen)
    assert (2, True) == (len(seen.lone_s), seen.grown_bytes > 0)


def test_what_the_engine_raises_is_told(tiny: Artifact) -> None:
    engine = FakeEngine(max_slots=1)

    (failed,) = told(setup(tiny), engine=engine)

    assert Failed("RuntimeError: std::bad_alloc") == failed


def test_a_missing_variant_is_told(tiny: Artifact) -> None:
    (failed,) = told(setup(tiny, variant="int8"))

    assert isinstance(failed, Failed)
    assert "int8" in failed.reason


def test_shapes_that_no_plan_would_choose_stay_cold() -> None:
    shapes, costs, warmed = ladder(128, max_tokens=1024), CostTable(), []

    for shape in worth_warming(shapes, costs, 100, objective_s=0.05):
        costs.put(shape, shape.n_slots * 0.001)
        warmed.append(shape)

    assert any(shape.width >= 100 for shape in warmed), "the longest text needs one"
    assert max(shape.n_slots for shape in warmed) <= 128
    assert len(warmed) < len(shapes)


def test_all_shapes_are_warmed_where_all_are_fast() -> None:
    shapes, costs, warmed = ladder(128, max_tokens=1024), CostTable(), []

    for shape in worth_warming(shapes, costs, 100, objective_s=1.0):
        costs.put(shape, shape.n_slots * 1e-5)
        warmed.append(shape)

    assert list(shapes) == warmed


def test_every_text_of_a_backlog_runs_once() -> None:
    lengths = [5, 60, 33, 12, 8, 40, 16, 16, 3]

    grids = list(backlog(encodings(*lengths), COSTS, objective_s=0.05))

    assert sorted(lengths) == sorted(n for grid in grids for n in grid.lengths.tolist())


def test_a_lone_text_runs_in_the_first_shape_that_holds_it() -> None:
    (text,) = encodings(17)

    assert Shape(1, 64) == alone(text, list(COSTS)).shape


def test_lone_texts_are_of_all_lengths() -> None:
    places = spread(list(range(100)), N_LONE)

    assert N_LONE == len(places)
    assert (4, 95) == (places[0], places[-1])


def test_fewer_texts_than_wanted_are_all_taken() -> None:
    assert [1, 0] == spread([9, 3], 5)


def test_the_shape_that_runs_the_most_tokens_is_named() -> None:
    grids = list(backlog(encodings(60, 60, 60, 60, 3), COSTS, objective_s=0.05))

    assert "4x64" == most_used(grids)


def test_a_process_that_dies_is_told_by_its_last_words(tiny: Artifact, tmp_path: Path) -> None:
    command = (sys.executable, "-c", "raise SystemExit('no such instruction')")
    subject = Subject("int8+f32", setup(tiny), tmp_path / "log")

    seen = measured([subject], command, n_rounds=1, watch=Silent())

    assert ("no such instruction", []) == (seen["int8+f32"].problem, seen["int8+f32"].rounds)


@pytest.mark.parametrize("reason", ["it is broken"])
def test_a_candidate_that_fails_leaves_the_others_running(
    tiny: Artifact, tmp_path: Path, reason: str
) -> None:
    good = Subject("good", setup(tiny), tmp_path / "good")
    bad = Subject("bad", setup(tiny, variant=reason), tmp_path / "bad")

    command = (sys.executable, "-m", "goldcrest.cli.probe")
    seen = measured([bad, good], command, n_rounds=2, watch=Silent())

    assert reason in seen["bad"].problem
    assert (2, "") == (len(seen["good"].rounds), seen["good"].problem)
    assert seen["good"].start_s > 0
