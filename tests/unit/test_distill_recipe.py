"""Recipes, and the options that are their keys."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from goldcrest.cli.main import app
from goldcrest.distill.config import Stage
from goldcrest.distill.recipe import read_recipe, referred, stage_of
from goldcrest.errors import ConfigError

TWO = """
[variables]
base = "base"
data = "texts"

[[stages]]
name = "teacher"
kind = "labels"
teacher = "${base}"
data = ["${data}/train.jsonl"]

[[stages]]
kind = "task"
teacher = "stage:teacher"
data = ["${data}/train.jsonl"]
held_back = ["/elsewhere/test.jsonl"]
layers = 3
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "recipe.toml"
    file.write_text(text, encoding="utf-8")
    return file


def read(file: Path, **variables: str) -> tuple[Stage, ...]:
    return read_recipe(file, variables=variables, overrides={})


def test_stages_come_in_their_order(tmp_path: Path) -> None:
    assert ["teacher", "student"] == [stage.name for stage in read(written(tmp_path, TWO))]


def test_paths_are_relative_to_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()

    teacher, student = read(written(tmp_path, TWO))

    assert str(tmp_path / "base") == teacher.teacher
    assert (str(tmp_path / "texts" / "train.jsonl"),) == teacher.data
    assert student.held_back == ("/elsewhere/test.jsonl",)


def test_a_name_that_is_no_folder_is_left_to_the_hub(tmp_path: Path) -> None:
    assert read(written(tmp_path, TWO), base="org/model")[0].teacher == "org/model"


def test_variables_are_overruled(tmp_path: Path) -> None:
    assert read(written(tmp_path, TWO), data="/d")[0].data == ("/d/train.jsonl",)


def test_a_variable_that_the_recipe_lacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no variable 'dta'; it has: base, data"):
        read(written(tmp_path, TWO), dta="x")


def test_a_variable_that_stands_for_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="say --set base=VALUE"):
        read(written(tmp_path, TWO.replace('base = "base"', 'base = ""')))


def test_an_unknown_key_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no key 'layer' .*; the nearest is 'layers'"):
        stage_of({"kind": "task", "teacher": "t", "data": ["d"], "layer": 3}, origin="here")


def test_a_value_out_of_bounds_is_refused_with_its_bound() -> None:
    with pytest.raises(ConfigError, match=r"layers = 99 \(here\) is not valid: .*<= 48"):
        stage_of({"kind": "task", "teacher": "t", "data": ["d"], "layers": 99}, origin="here")


def test_a_missing_key_is_told_with_what_it_is_for() -> None:
    with pytest.raises(ConfigError, match="here has no 'data': files of texts to train on"):
        stage_of({"kind": "task", "teacher": "t"}, origin="here")


def test_a_stage_that_refers_to_a_later_one_is_refused(tmp_path: Path) -> None:
    text = TWO.replace('"stage:teacher"', '"stage:student"')

    with pytest.raises(ConfigError, match="does not come before it; there are: teacher"):
        read(written(tmp_path, text))


def test_two_stages_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"two stages of .* are named 'teacher'"):
        read(written(tmp_path, TWO.replace('kind = "task"', 'kind = "task"\nname = "teacher"')))


def test_a_recipe_without_stages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no stages"):
        read(written(tmp_path, "[variables]\n"))


def test_a_reference_becomes_the_folder_of_its_result(tmp_path: Path) -> None:
    student = read(written(tmp_path, TWO))[1]

    assert referred(student, Path("/out")).teacher == "/out/teacher"


def test_weights_that_are_not_given_are_those_of_the_kind() -> None:
    stage = stage_of({"kind": "task", "teacher": "t", "data": ["d"], "cosine": 0.0}, origin="")

    assert {"soft": 1.0, "hard": 0.5} == stage.weights()


def test_every_key_is_described_and_has_an_option() -> None:
    shown = CliRunner().invoke(app, ["distill", "--help"], env={"COLUMNS": "200"}).output

    for field in msgspec.structs.fields(Stage):
        assert f"--{field.name.replace('_', '-')} " in shown


def test_a_stage_alone_needs_a_recipe() -> None:
    result = CliRunner().invoke(app, ["distill", "--out", "x", "--stage", "student"])

    assert "give it by --config" in str(result.exception)


def test_a_stage_whose_losses_count_for_nothing_is_refused() -> None:
    given = {"kind": "labels", "teacher": "t", "data": ["d"], "hard": 0.0}

    with pytest.raises(ConfigError, match="every loss of labels the weight 0"):
        stage_of(given, origin="it")
