"""The guide to the tasks: it runs, and it tells of every task."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from tests.checkpoints import change_config

from goldcrest.names import TaskName
from goldcrest.testing import random_checkpoint

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "tasks.md").read_text("utf-8")
MODELS: dict[str, dict[str, Any]] = {
    "tickets": {"n_labels": 3},
    "nli": {"n_labels": 3},
    "reranker": {"n_labels": 1},
    "minilm": {"family": "bert", "pooling": "mean"},
    "ner": {"task": "tokens", "n_labels": 5},
    "squad": {"task": "span"},
    "mlm": {"task": "fill"},
}


def test_the_guide_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, sizes in MODELS.items():
        random_checkpoint(tmp_path / "models" / name, **sizes)
    labels = {"0": "contradiction", "1": "neutral", "2": "entailment"}
    change_config(tmp_path / "models" / "nli", id2label=labels)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLDCREST_CACHE__FOLDER", str(tmp_path / "cache"))
    monkeypatch.setenv("GOLDCREST_ENGINE__PRECISION", "f32")

    code = "\n".join(re.findall(r"^```python\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE))

    exec(compile(code, "tasks.md", "exec"), {})  # noqa: S102  # it is our own page


@pytest.mark.parametrize("task", get_args(TaskName))
def test_the_guide_tells_of_every_task(task: str) -> None:
    assert f"`{task}`" in GUIDE
