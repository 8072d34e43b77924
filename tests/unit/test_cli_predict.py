"""``goldcrest predict``: every task, from arguments and from lines."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.checkpoints import change_config

from goldcrest.cli.main import main
from goldcrest.testing import random_checkpoint

Predict = Callable[..., list[Any]]
SIZES: dict[str, dict[str, Any]] = {
    "classify": {"n_labels": 3},
    "rerank": {"n_labels": 1},
    "embed": {"family": "bert", "pooling": "mean"},
    "tokens": {"task": "tokens", "n_labels": 3},
    "span": {"task": "span"},
    "fill": {"task": "fill"},
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny checkpoint of every kind."""
    folder = tmp_path_factory.mktemp("models")
    for kind, sizes in SIZES.items():
        random_checkpoint(folder / kind, **sizes)
    names = ("contradiction", "neutral", "entailment")
    change_config(folder / "classify", id2label={str(n): name for n, name in enumerate(names)})
    return folder


@pytest.fixture
def run(
    models: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[object, str, str]]:
    """Run the command in this process: its status, and what it prints."""

    def predict(kind: str, *arguments: str, stdin: str = "") -> tuple[object, str, str]:
        words = ["predict", str(models / kind), *arguments, "--precision", "f32"]
        monkeypatch.setenv("GOLDCREST_CACHE__FOLDER", str(models / "cache"))
        monkeypatch.setattr(sys, "argv", ["goldcrest", *words])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main()
        return (ended.value.code, *capfd.readouterr())

    return predict


@pytest.fixture
def predict(run: Callable[..., tuple[object, str, str]]) -> Predict:
    """The answers of a run that succeeds."""

    def answers(*arguments: str, stdin: str = "") -> list[Any]:
        status, out, err = run(*arguments, stdin=stdin)
        assert 0 == status, err
        return [json.loads(line) for line in out.splitlines()]

    return answers


def test_labels_ask_for_zero_shot(predict: Predict) -> None:
    (found,) = predict("classify", "a film", "--labels", "good, bad,")

    assert ["good", "bad"] == list(found["scores"])
    assert 1 == pytest.approx(sum(found["scores"].values()), abs=1e-5)


def test_only_the_best_labels_are_shown_best_first(predict: Predict) -> None:
    (found,) = predict("classify", "a film", "--top-k", "2")

    assert sorted(found["scores"].values(), reverse=True) == list(found["scores"].values())
    assert (2, found["label"]) == (len(found["scores"]), next(iter(found["scores"])))


@pytest.mark.parametrize("kind", ["rerank", "span"])
def test_pairs_are_two_texts_or_a_line_with_a_tab(predict: Predict, kind: str) -> None:
    task = ["--task", kind] if kind == "rerank" else []

    given = predict(kind, "good food", "a film", "good food", "the food was good", *task)

    lines = predict(kind, *task, stdin="good food\ta film\ngood food\tthe food was good\n")
    assert (2, given) == (len(given), lines)


def test_a_classifier_takes_pairs_where_it_is_told_so(predict: Predict) -> None:
    single = predict("classify", "a film", "it was good")
    (found,) = predict("classify", "--pair", "a film", "it was good")

    assert found["scores"] not in [one["scores"] for one in single]


def test_the_first_text_is_compared_with_the_others(predict: Predict) -> None:
    found = predict("embed", "--task", "similarity", stdin="a film\n" + "a film\ngood\n" * 300)

    assert 600 == len(found)
    assert [1.0] * 300 == pytest.approx(found[::2], abs=1e-5)


def test_states_are_a_row_for_each_token(predict: Predict) -> None:
    (found,) = predict("embed", "--task", "states", "a film")

    assert (4, 32) == (len(found), len(found[0]))


def test_tokens_are_grouped_as_asked(predict: Predict) -> None:
    (tokens,) = predict("tokens", "filming")
    (words,) = predict("tokens", "filming", "--aggregation", "first")

    assert (["film", "##ing"], ["filming"]) == (
        [one["word"] for one in tokens],
        [one["word"] for one in words],
    )


def test_passages_are_as_many_as_asked(predict: Predict) -> None:
    (found,) = predict("span", "good food", "the food was good", "--top-k", "3")

    assert 3 == len(found)
    assert all("the food was good"[one["start"] : one["end"]] == one["text"] for one in found)


def test_fillings_are_listed_mask_by_mask(predict: Predict) -> None:
    (found,) = predict("fill", "a [MASK] was [MASK]", "--top-k", "2")

    assert [2, 2] == [len(fillings) for fillings in found]
    assert {"token", "token_id", "score", "text"} == set(found[0][0])


@pytest.mark.parametrize(
    ("arguments", "stdin", "status", "sentence"),
    [
        (["classify", "x", "--task", "fill"], "", 1, "classify, zero_shot, not fill"),
        (["classify", "x", "--task", "zero_shot"], "", 1, "no labels to choose from"),
        (["tokens", "x", "--aggregation", "mean"], "", 1, "must be one of none, simple"),
        (["span", "x", "y", "z"], "", 2, "3 TEXTs do not make pairs"),
        (["span"], "a\tb\nc\n", 1, "line 2 has no tab"),
        (["embed", "x", "--task", "similarity"], "", 1, "nothing to compare"),
    ],
)
def test_what_makes_no_sense_ends_with_a_sentence(run, arguments, stdin, status, sentence) -> None:
    ended, _, err = run(*arguments, stdin=stdin)

    assert status == ended
    assert sentence in err
