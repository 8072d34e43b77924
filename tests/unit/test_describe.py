"""What is said of a model without running it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from goldcrest.app.describe import describe
from goldcrest.testing import random_checkpoint, tiny_artifact


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("classify", {"problem_type": "single_label_classification"}),
        ("tokens", {"labels": ["label 0", "label 1"]}),
        ("span", {"labels": []}),
        ("fill", {"mask_token": "[MASK]"}),
        ("embed", {"pooling": "mean", "normalize": False, "prompts": {}, "default_prompt": ""}),
    ],
)
def test_an_artifact_says_how_its_numbers_are_read(
    tmp_path: Path, task: Any, expected: dict[str, Any]
) -> None:
    artifact = tiny_artifact(tmp_path / "artifact", task=task)

    facts = describe(str(artifact.folder))

    assert {"task": task, **expected} == {key: facts[key] for key in ("task", *expected)}


def test_a_checkpoint_lists_every_task_it_can_be_compiled_for(tmp_path: Path) -> None:
    folder = random_checkpoint(tmp_path / "checkpoint", family="electra", task="fill")

    assert ["fill", "embed"] == describe(str(folder))["tasks"]
