"""``goldcrest optimize`` on a single model: what is refused before any work."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from goldcrest.cli.main import main
from goldcrest.testing import tiny_artifact

Run = Callable[..., tuple[object, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process: its status, and what it says went wrong."""

    def optimize(model: str, *options: str) -> tuple[object, str]:
        words = ["goldcrest", "optimize", model, "--data", str(tmp_path / "texts.txt"), *options]
        monkeypatch.setenv("GOLDCREST_CACHE__FOLDER", str(tmp_path / "cache"))
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, capfd.readouterr().err

    (tmp_path / "texts.txt").write_text("one\ntwo\n")
    tiny_artifact(tmp_path / "tiny")
    monkeypatch.chdir(tmp_path)
    return optimize


def test_a_model_is_not_written_over_itself(run: Run, tmp_path: Path) -> None:
    before = sorted(file.name for file in (tmp_path / "tiny").iterdir())

    code, said = run("tiny", "-o", str(tmp_path / "tiny" / ".." / "tiny"))

    assert code == 2
    assert "is the model itself, which would lose the precisions that do not pass" in said
    assert before == sorted(file.name for file in (tmp_path / "tiny").iterdir())


def test_a_report_that_cannot_be_written_is_told_before_the_work(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out.html").mkdir()

    code, said = run("tiny", "-o", "out")

    assert code == 2
    assert "out.html cannot be written: it must be a file" in said
    assert not (tmp_path / "out").exists()


def test_a_model_named_by_a_dot_gives_its_result_a_name(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path / "tiny")
    (tmp_path / "tiny" / "tiny-optimised.html").mkdir()

    code, said = run(".")

    assert code == 2
    assert "tiny-optimised.html cannot be written" in said
