"""Quality of real (tiny) models of every kind: together as one by one, and words as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import goldcrest
from goldcrest.config import Config
from goldcrest.evaluate import Row, TextSet, evaluate
from goldcrest.testing import random_checkpoint

KINDS: dict[str, dict[str, Any]] = {
    "classify": {"n_labels": 3},
    "score": {"n_labels": 1},
    "embed": {"family": "bert", "pooling": "mean"},
    "tokens": {"task": "tokens", "n_labels": 3},
    "tokens of bytes": {"family": "roberta", "task": "tokens", "n_labels": 3},
    "span": {"task": "span"},
    "fill": {"task": "fill"},
}
PAIRED = ("score", "span")
TEXTS = ("The food was good!", "a", "Slow\u2026 café,  very slow  service", "no; " * 300)

Find = Callable[[str], goldcrest.Model]


@pytest.fixture(scope="module")
def find(tmp_path_factory: pytest.TempPathFactory, config: Config) -> Iterator[Find]:
    """A tiny model of a kind, made and opened once."""
    opened: dict[str, goldcrest.Model] = {}

    def of(kind: str) -> goldcrest.Model:
        if kind not in opened:
            folder = tmp_path_factory.mktemp("model")
            random_checkpoint(folder, **KINDS[kind])
            opened[kind] = goldcrest.load(str(folder), config, precision="f32")
        return opened[kind]

    yield of
    for model in opened.values():
        model.close()


def rows(kind: str) -> tuple[Row, ...]:
    if kind in PAIRED:
        return tuple(Row(("What was good?", text)) for text in TEXTS)
    return tuple(Row(f"[MASK] {text}" if kind == "fill" else text) for text in TEXTS)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_together_are_answered_as_one_by_one(find: Find, kind: str) -> None:
    model, whole = find(kind), TextSet("s", rows(kind))

    together = evaluate(model, whole).outputs
    alone = [evaluate(model, TextSet("s", (row,))).outputs[0] for row in whole.rows]

    for one, other in zip(together, alone, strict=True):
        if isinstance(one, float | np.ndarray):
            assert pytest.approx(other, abs=1e-4) == one
        else:
            assert other == one


@pytest.mark.parametrize("kind", ["tokens", "tokens of bytes"])
def test_every_word_has_one_tag_of_the_model(find: Find, kind: str) -> None:
    model = find(kind)

    found = evaluate(model, TextSet("s", rows(kind))).outputs

    assert [len(text.split()) for text in TEXTS] == [len(one) for one in found]  # type: ignore[arg-type]  # they are tags
    assert {tag for one in found for tag in one} <= {*model.labels}  # type: ignore[union-attr]  # likewise


def test_what_a_limit_cuts_is_counted_and_what_is_read_in_windows_is_not(find: Find) -> None:
    cut, read = (evaluate(find(kind), TextSet("s", rows(kind))) for kind in ("embed", "tokens"))

    assert (1, 0) == (cut.n_truncated, read.n_truncated)
