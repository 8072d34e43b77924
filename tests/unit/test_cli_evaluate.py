"""``goldcrest evaluate``: what it prints, and what it refuses before a model is opened."""

from __future__ import annotations

import json
import sys

import pytest
from tests.checkpoints import change_config

from goldcrest.cli.counting import Lines
from goldcrest.cli.main import main
from goldcrest.testing import ManualClock, random_checkpoint


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "classifier"
    random_checkpoint(folder, n_labels=2)
    change_config(folder, id2label={"0": "bad", "1": "good"})
    return folder


@pytest.fixture
def run(model, tmp_path, monkeypatch, capfd):
    """Run the command on a set: its status, and what it prints."""

    def evaluate(name, content, *arguments):
        (tmp_path / name).write_text(content)
        words = ["evaluate", str(model), "--data", str(tmp_path / name), *arguments]
        monkeypatch.setenv("GOLDCREST_CACHE__FOLDER", str(model.parent / "cache"))
        monkeypatch.setattr(sys, "argv", ["goldcrest", *words, "--precision", "f32"])
        with pytest.raises(SystemExit) as ended:
            main()
        return (ended.value.code, *capfd.readouterr())

    return evaluate


ROWS = "text,label\n" + "".join(f"film {n},{'good' if n % 2 else 'bad'}\n" for n in range(40))


def test_it_prints_the_quality_with_its_interval(run):
    status, out, err = run("a.csv", ROWS, "--json")

    found = json.loads(out)
    assert 0 == status, err
    assert ("accuracy", 40, "f32", 0) == (
        found["metric"],
        found["n_rows"],
        found["precision"],
        found["n_truncated"],
    )
    assert found["low"] <= found["value"] <= found["high"]


def test_it_says_how_many_texts_were_cut(run):
    _, out, _ = run("a.csv", ROWS, "--max-length", "3")

    assert "at f32, at most 3 tokens per text\n40 texts were longer and lost their end" in out


def test_texts_without_labels_are_compared_with_f32(run):
    _, out, _ = run("a.txt", "a film\nanother one\n")

    assert out.startswith("agreement with f32 1.0000 (95 %: 1.0000 to 1.0000), 2 rows")


def test_columns_may_have_other_names(run):
    _, out, _ = run("a.csv", "review,stars\nfine,1\n", "--text", "review", "--label", "stars")

    assert "1 rows" in out


@pytest.mark.parametrize(
    ("content", "arguments", "status", "said"),
    [
        (ROWS, ("--metric", "bleu"), 2, "--metric 'bleu' is not known; there are: accuracy, f1"),
        (ROWS, ("--metric", "exact"), 2, "'exact' does not fit a model for classify"),
        ("text,label\na,fine\n", (), 1, "line 2 of a.csv has the label 'fine'"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(run, content, arguments, status, said):
    ended, out, err = run("a.csv", content, *arguments)

    assert (status, "") == (ended, out)
    assert said in err


def test_progress_is_a_line_now_and_then(capfd):
    clock = ManualClock()
    lines = Lines("accuracy", "rows", clock)

    lines(256, 9000)
    clock.advance(6)
    lines(512, 9000)
    lines(768, 9000)

    assert "accuracy: 512 of 9000 rows\n" == capfd.readouterr().err
