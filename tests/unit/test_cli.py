"""The command line: what it prints, and how it fails."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from goldcrest.cli.given import model_entries
from goldcrest.cli.main import main
from goldcrest.cli.table import aligned
from goldcrest.errors import ConfigError
from goldcrest.testing.checkpoint import random_checkpoint


class Outcome(NamedTuple):
    status: object
    out: str
    err: str


Command = Callable[..., Outcome]


@pytest.fixture
def goldcrest(monkeypatch, capfd) -> Command:
    """Run the command in this process."""

    def run(*arguments: str, stdin: str = "") -> Outcome:
        monkeypatch.setattr(sys, "argv", ["goldcrest", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main()
        return Outcome(ended.value.code, *capfd.readouterr())

    return run


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    return random_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
def cached(monkeypatch, tmp_path_factory) -> None:
    monkeypatch.setenv("GOLDCREST_CACHE__FOLDER", str(tmp_path_factory.getbasetemp() / "cache"))


def test_help_lists_the_commands(goldcrest):
    listed = goldcrest("--help").out

    assert all(name in listed for name in ("serve", "predict", "compile", "info", "config"))


@pytest.mark.parametrize("library", ["fastapi", "openvino", "numpy", "onnx", "rich"])
def test_help_imports_nothing_heavy(library):
    code = f"import goldcrest.cli.main, sys; sys.exit({library!r} in sys.modules)"

    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode  # noqa: S603  # ours


def test_a_setting_is_shown_with_its_value_and_origin(goldcrest, monkeypatch):
    monkeypatch.setenv("GOLDCREST_WEB__DRAIN_S", "5")

    lines = goldcrest("config", "show", "--port", "9").out.splitlines()

    rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in lines}
    assert [["9", "flag --port"], ["5.0", "environment GOLDCREST_WEB__DRAIN_S"]] == [
        rows["web.port"],
        rows["web.drain_s"],
    ]


def test_any_setting_can_be_assigned(goldcrest):
    shown = goldcrest("config", "show", "--set", "batch.objective_ms=20").out

    assert "20.0" in next(line for line in shown.splitlines() if "objective_ms" in line)


def test_models_and_names_are_paired_in_order():
    entries = model_entries(["a", "b"], ["x"], 64)

    assert [
        {"source": "a", "name": "x", "max_length": 64},
        {"source": "b", "name": "", "max_length": 64},
    ] == entries


def test_no_model_leaves_the_choice_to_the_settings():
    assert model_entries([], [], None) is None


@pytest.mark.parametrize(("names", "max_length"), [(["x"], None), ([], 64)], ids=["name", "length"])
def test_what_belongs_to_a_model_needs_one(names, max_length):
    with pytest.raises(ConfigError, match="MODEL"):
        model_entries([], names, max_length)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["config", "show", "--set", "web.prt=1"], "the nearest is 'web.port'"),
        (["config", "show", "--set", "web.port"], "write it as KEY=VALUE"),
        (["serve", "--precision", "fp32"], 'one of "auto", "f32", "bf16", "int8"'),
    ],
    ids=["unknown", "no value", "choice"],
)
def test_a_faulty_setting_ends_with_one_sentence_and_2(goldcrest, arguments, sentence):
    outcome = goldcrest(*arguments)

    assert (2, 1) == (outcome.status, len(outcome.err.splitlines()))
    assert sentence in outcome.err


def test_a_missing_option_ends_with_2(goldcrest):
    assert 2 == goldcrest("compile", "somewhere").status


def test_a_model_that_is_not_there_ends_with_one_sentence_and_1(goldcrest):
    outcome = goldcrest("info", "/no/such/folder")

    assert (1, 1) == (outcome.status, len(outcome.err.splitlines()))
    assert "/no/such/folder" in outcome.err


def test_info_of_a_checkpoint_names_its_family(goldcrest, checkpoint):
    rows = [line.split(maxsplit=1) for line in goldcrest("info", str(checkpoint)).out.splitlines()]

    assert ["family", "distilbert"] in rows


def test_info_is_had_as_json_too(goldcrest, checkpoint):
    assert "classify" == json.loads(goldcrest("info", str(checkpoint), "--json").out)["task"]


def test_compile_prints_the_folder_it_made(goldcrest, checkpoint, tmp_path):
    outcome = goldcrest("compile", str(checkpoint), "-o", str(tmp_path / "out"))

    assert (0, str(tmp_path / "out")) == (outcome.status, outcome.out.strip())


@pytest.mark.usefixtures("cached")
def test_predict_answers_each_text_with_a_line_of_json(goldcrest, checkpoint):
    outcome = goldcrest("predict", str(checkpoint), "a text", "another", "--precision", "f32")

    answers = [json.loads(line) for line in outcome.out.splitlines()]
    assert [{"label", "score", "scores", "truncated"}] * 2 == [set(answer) for answer in answers]


@pytest.mark.usefixtures("cached")
@pytest.mark.parametrize("dash", [[], ["-"]], ids=["nothing", "dash"])
def test_predict_reads_lines_when_no_text_is_given(goldcrest, checkpoint, dash):
    outcome = goldcrest("predict", str(checkpoint), *dash, "--precision", "f32", stdin="a\nb\n")

    assert 2 == len(outcome.out.splitlines())


@pytest.mark.usefixtures("cached")
def test_predict_prints_the_vectors_of_an_embedder(goldcrest, tmp_path):
    folder = random_checkpoint(tmp_path / "embedder", family="bert", pooling="mean", width=32)

    outcome = goldcrest("predict", str(folder), "a text", "--precision", "f32")

    assert 32 == len(json.loads(outcome.out))


def test_columns_begin_one_below_the_other():
    assert "a    b\nccc  d" == aligned([("a", "b"), ("ccc", "d")])
