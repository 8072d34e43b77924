"""A run as far as it needs no PyTorch: its schedule, how it is shown, and its report."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from goldcrest.cli.distilling import Lines
from goldcrest.cli.main import app
from goldcrest.distill.config import Stage
from goldcrest.distill.page import headline, html
from goldcrest.distill.result import Judged, Machine, Report, Training
from goldcrest.distill.schedule import plan, rate_at
from goldcrest.testing import ManualClock


def stage(**keys: object) -> Stage:
    return msgspec.convert({"kind": "embedding", "teacher": "t", "data": ["d"], **keys}, Stage)


def test_the_learning_rate_rises_and_falls_evenly() -> None:
    rates = [rate_at(step, 10, 0.2) for step in range(10)]

    assert [0.5, 1.0, 1.0, 0.875] == rates[:4]
    assert rates[-1] == pytest.approx(1 / 8)


def test_without_a_warm_up_the_rate_begins_at_its_highest() -> None:
    assert rate_at(0, 10, 0.0) == 1.0


def test_every_epoch_has_every_row() -> None:
    batches = plan(stage(epochs=2, batch_tokens=64), np.full(50, 10))

    assert [2] * 50 == np.bincount(np.concatenate(batches)).tolist()


def test_a_run_may_end_after_so_many_steps() -> None:
    lengths = np.full(50, 10)
    whole, cut = (plan(stage(epochs=9, batch_tokens=64, max_steps=n), lengths) for n in (0, 12))

    assert len(cut) == 12
    assert [batch.tolist() for batch in whole[:12]] == [batch.tolist() for batch in cut]


def test_a_line_comes_every_ten_seconds_with_the_time_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = ManualClock()
    lines = Lines(clock)

    lines.begin("student: training", 100)
    for step in range(1, 31):
        clock.advance(1.0)
        lines.advance(step, "loss 0.5")

    said = capsys.readouterr().err.splitlines()
    assert ["student: training", "  10 of 100: loss 0.5; 1:40 left"] == said[:2]
    assert len(said) == 4


def report(*judged: Judged) -> Report:
    training = Training(
        stage=stage(),
        labels=(),
        n_rows=100,
        n_tokens=900,
        n_held_back={"news": 60},
        n_duplicates=3,
        n_contradicting=0,
        n_shared=1,
        n_cut=0,
        n_parameters=9_700_000,
        vocabulary=1000,
        fresh=(),
        steps=20,
        seconds=60.0,
        curve=({"step": 10.0, "vector": 0.5}, {"step": 20.0, "vector": 0.2}),
        arithmetic="bf16",
        machine=Machine(device="cpu", processor="a processor", features=(), cores=2),
        versions={"goldcrest": "1", "torch": "2"},
    )
    return Report(training=training, judged=judged, command=("goldcrest", "distill"))


def judged(model: str, value: float, **keys: object) -> Judged:
    given = {"model": model, "data": "news", "metric": "cosine", "value": value}
    return msgspec.convert({**given, "low": 0.9, "high": 1.0, "n_rows": 60, **keys}, Judged)


def test_the_headline_leaves_out_what_is_compared_with_itself() -> None:
    said = headline(
        report(
            judged("teacher", 1.0, reference="teacher"),
            judged("student", 0.95, reference="teacher"),
        )
    )

    expected = "9.7 M parameters, distilled from an embedder. On news: student: cosine 0.9500."
    assert expected == said


def test_the_page_shows_losses_neighbours_and_what_was_cut() -> None:
    page = html(report(judged("student", 0.95, nearest=0.8123, n_cut=7, reference="teacher")))

    for part in ("Losses over steps", "0.8123", "7 texts were cut", "Duplicates left out"):
        assert part in page


def test_the_page_says_that_nothing_was_held_back() -> None:
    assert "No text was held back." in html(report())


def test_a_stage_whose_teacher_was_not_made_yet_is_refused(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        '[[stages]]\nname = "one"\nkind = "labels"\nteacher = "t"\ndata = ["d"]\n'
        '[[stages]]\nname = "two"\nkind = "task"\nteacher = "stage:one"\ndata = ["d"]\n'
    )
    command = ["distill", "--config", str(recipe), "--out", str(tmp_path), "--stage", "two"]

    result = CliRunner().invoke(app, command)

    assert "run that stage first" in str(result.exception)
