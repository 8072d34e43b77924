"""Cascades in the settings: what is read, what is refused, and where they stand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from goldcrest.config import Config, load
from goldcrest.config.cascades import names_of
from goldcrest.errors import ConfigError

MODELS = ["org/other", "org/tiny", "org/large"]
CASCADE = {"name": "both", "members": ["tiny", "large"], "thresholds": [0.9]}


def read(*cascades: Mapping[str, Any] | str, models: list[str] = MODELS) -> Config:
    environ = {"GOLDCREST_CASCADES": json.dumps(cascades)}
    return load({"models": models}, environ=environ, n_processors=2).config


def test_a_file_has_a_table_for_each(tmp_path: Path) -> None:
    file = tmp_path / "goldcrest.toml"
    file.write_text(
        'models = ["org/tiny", "org/large"]\n[[cascades]]\nname = "both"\n'
        'members = ["tiny", "large"]\nthresholds = [0.9]'
    )

    (cascade,) = load({}, environ={}, file=file, n_processors=2).config.cascades

    assert ("both", ("tiny", "large"), (0.9,)) == (
        cascade.name,
        cascade.members,
        cascade.thresholds,
    )


def test_a_cascade_stands_before_the_first_of_its_members() -> None:
    assert ("other", "both", "tiny", "large") == names_of(read(CASCADE))


def test_what_is_in_force_is_told_with_its_origin() -> None:
    environ = {"GOLDCREST_CASCADES": json.dumps([CASCADE])}
    loaded = load({"models": MODELS}, environ=environ, n_processors=2)

    assert ("cascades.0.thresholds", (0.9,), "environment GOLDCREST_CASCADES") in loaded.rows()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"members": ["tiny", "huge"]}, "'huge', and no model is named so; there are: other"),
        ({"members": ["tiny", "both"]}, "'both', a cascade; they do not nest"),
        ({"members": ["tiny"], "thresholds": []}, "needs two members or more"),
        ({"members": ["tiny", "tiny"]}, "each of them once"),
        ({"thresholds": []}, "has 0 thresholds for 2 members; it needs 1"),
        ({"thresholds": [0.9, 0.9]}, "has 2 thresholds for 2 members; it needs 1"),
        ({"thresholds": [1.5]}, "numbers from 0 to 1"),
        ({"thresholds": "0.9"}, "numbers from 0 to 1"),
        ({"name": "tiny"}, "has the name of a model or of another cascade"),
        ({"name": ""}, "is not valid"),
        ({"threshold": 0.9}, "must have a name, members and thresholds, and nothing else"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_cascade_that_cannot_be_is_refused_in_a_sentence(
    change: Mapping[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError, match="GOLDCREST_CASCADES") as told:
        read({**CASCADE, **change})

    assert sentence in str(told.value)


def test_two_cascades_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="of another cascade"):
        read(CASCADE, CASCADE)


def test_cascades_do_not_nest() -> None:
    outer = {"name": "outer", "members": ["both", "other"], "thresholds": [0.9]}

    with pytest.raises(ConfigError, match="they do not nest"):
        read(CASCADE, outer)


def test_what_is_no_list_of_tables_is_refused() -> None:
    with pytest.raises(ConfigError, match="must have a name"):
        read("tiny")
