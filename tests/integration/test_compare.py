"""``goldcrest compare`` with tiny checkpoints, each in processes of its own."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from goldcrest.cli.main import main
from goldcrest.compare.result import Comparison, read
from goldcrest.testing import random_checkpoint, tiny_artifact

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two checkpoints of one task, an artifact of it, and texts with their labels."""
    home = tmp_path_factory.mktemp("compare")
    random_checkpoint(home / "small", family="distilbert", n_labels=3)
    random_checkpoint(home / "large", family="bert", n_labels=3, n_layers=4, seed=1)
    tiny_artifact(home / "artifact", n_labels=3)
    rows = [
        {"text": f"the film is {word} and {n}", "label": f"label {n % 3}"}
        for n, word in enumerate(["good", "bad", "slow", "great"] * 12)
    ]
    lines = "\n".join(map(json.dumps, rows))
    (home / "texts.jsonl").write_text(lines, encoding="utf-8")
    return home


@pytest.fixture
def compared(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config):
    """Run the command in one short round; returns its status and what it wrote."""

    def run(*given: str) -> tuple[int, Comparison, str]:
        out = tmp_path / "report.html"
        monkeypatch.setenv("GOLDCREST_CACHE__FOLDER", config.cache.folder)
        monkeypatch.chdir(folder)
        short = ["--rounds", "1", "--seconds", "0.1", "--out", str(out)]
        monkeypatch.setattr(sys, "argv", ["goldcrest", "compare", *given, *short])
        try:
            main()
        except SystemExit as ended:
            status = int(ended.code or 0)
        else:
            status = 0
        return status, read(out.with_suffix(".json")), out.read_text("utf-8")

    return run


def test_two_checkpoints_are_measured_and_one_is_picked(compared, capsys) -> None:
    status, seen, page = compared("small:f32", "large:f32", "--data", "texts.jsonl")

    assert 0 == status
    assert ["small:f32", "large:f32"] == [one.name for one in seen.measured]
    assert seen.choice is not None
    assert seen.choice.reason in capsys.readouterr().out
    assert not re.search(r"<script|https?://|@import|url\(", page)
    assert all(one.name in page for one in seen.measured)


def test_every_figure_of_a_contender_was_measured(compared) -> None:
    _, seen, _ = compared("small:f32", "--data", "texts.jsonl")

    [one] = seen.measured
    assert one.quality is not None
    assert ("accuracy", 48) == (one.quality.metric, one.quality.n_rows)
    assert 0 < one.second_start_s < 60
    assert 0 < one.p50_ms <= one.p95_ms <= one.p99_ms
    assert 0 < one.resident_bytes <= one.peak_bytes
    assert one.swap_s is not None
    assert one.n_timed >= 20
    assert one.texts_per_s > 0


def test_where_nothing_fits_the_report_is_written_all_the_same(compared, capsys) -> None:
    status, seen, page = compared("small:f32", "artifact:f32", "--max-memory", "1MB")

    said = capsys.readouterr().err
    assert 1 == status
    assert "--max-memory (limit 1 MB) excludes most, 2 of them" in said
    assert seen.choice is not None
    assert ("", 2) == (seen.choice.chosen, len(seen.choice.broken))
    assert "1 MB" in page


def test_a_contender_that_cannot_run_is_left_out_and_named(compared) -> None:
    status, seen, page = compared("artifact:f32", "artifact:int8")

    assert 0 == status
    assert ["artifact:f32"] == [one.name for one in seen.measured]
    assert "the artifact has the variants f32" in seen.failures[0].reason
    assert "artifact:int8 is left out" in page


def test_without_labels_the_first_contender_is_what_others_agree_with(
    compared, folder: Path
) -> None:
    (folder / "texts.txt").write_text("a good film\na bad book\nslow food\n" * 5, encoding="utf-8")

    _, seen, _ = compared("small:f32", "large:f32", "--data", "texts.txt")

    first, second = (one.quality for one in seen.measured)
    assert first is not None
    assert second is not None
    assert ("agreement", 1.0) == (first.metric, first.value)
    assert second.value < 1.0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("small", "--min-accuracy", "0.9"), "give --data"),
        (("small", "--max-p99", "20"), "--max-p99 '20' is not valid"),
        (("small", "--min-quality", "0.9", "--min-accuracy", "0.9"), "give one"),
        (("small", "small"), "named twice"),
        (("small", "--out", "report.json"), "report.json is for the page"),
        (("small", "--out", "/nowhere/report.html"), "/nowhere"),
        (("small", "--metric", "beauty"), "beauty"),
        (("small", "--data", "texts.jsonl", "--min-accuracy", "0.9", "--metric", "f1"), "f1"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    given: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["goldcrest", "compare", *given])

    with pytest.raises(SystemExit) as ended:
        main()

    assert 2 == ended.value.code
    assert said in capsys.readouterr().err
