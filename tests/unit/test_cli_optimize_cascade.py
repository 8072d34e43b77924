"""``goldcrest optimize --cascade``: what it prints, writes and refuses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from goldcrest.cli.main import main
from goldcrest.optimize.cascade_report import CascadeReport
from goldcrest.testing import random_checkpoint

Run = Callable[..., tuple[object, str, str]]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classifiers that are the same, one of other labels, and texts."""
    folder = tmp_path_factory.mktemp("models")
    random_checkpoint(folder / "tiny", n_labels=3)
    random_checkpoint(folder / "large", n_labels=3)
    random_checkpoint(folder / "other", n_labels=2)
    texts = (f"the quick brown fox number {number} runs" for number in range(700))
    (folder / "texts.txt").write_text("\n".join(texts))
    return folder


@pytest.fixture
def run(models: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process: its status, and what it prints."""

    def optimize(*names: str, options: tuple[str, ...] = ()) -> tuple[object, str, str]:
        data = ("--data", "texts.txt", "--set", "engine.precision=f32", "--threads", "1")
        monkeypatch.chdir(models)
        monkeypatch.setenv("GOLDCREST_CACHE__FOLDER", str(models / "cache"))
        words = ["goldcrest", "optimize", "--cascade", *names, *data, *options]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as ended:
            main()
        return (ended.value.code, *capfd.readouterr())

    return optimize


def test_where_no_cascade_helps_a_report_says_so_and_no_settings_are_written(
    run: Run, models: Path
) -> None:
    code, printed, _ = run("tiny", "large", options=("-o", "found.toml"))

    report = msgspec.json.decode((models / "found.json").read_bytes(), type=CascadeReport)
    assert (0, None) == (code, report.confirmed)
    assert report.verdict.startswith("No cascade")
    assert "No cascade" in printed
    assert "No cascade" in (models / "found.html").read_text()
    assert not (models / "found.toml").exists()


def test_settings_of_an_earlier_time_are_told_of(run: Run, models: Path) -> None:
    (models / "old.toml").write_text("# of last week")

    code, printed, _ = run("tiny", "large", options=("-o", "old.toml"))

    assert code == 0
    assert "old.toml was not written; old.toml is of an earlier time" in printed
    assert (models / "old.toml").read_text() == "# of last week"


@pytest.mark.parametrize(
    ("names", "options", "sentence"),
    [
        (("tiny",), (), "two models or more"),
        (("tiny", "other"), (), "have different labels: 'tiny' alone has 'label 2'"),
        (("tiny", "large"), ("--precision", "int8"), "--precision is for a single MODEL"),
        (("tiny", "large"), ("--max-drop", "0"), "allow more than 0"),
        (("tiny", "large"), ("--metric", "spearman"), "does not fit a cascade"),
        (("tiny", "large"), ("--rounds", "3"), "--rounds is for a single MODEL"),
        (("tiny", "large"), ("-o", "found.json"), "is for the settings; the report goes beside"),
        (("tiny", "large"), ("-o", "nowhere/found.toml"), "must be a file in a folder of yours"),
    ],
    ids=["one", "labels", "precision", "nothing to lose", "metric", "rounds", "report", "folder"],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    run: Run, names: tuple[str, ...], options: tuple[str, ...], sentence: str
) -> None:
    code, _, told = run(*names, options=options)

    assert 2 == code
    assert sentence in told
