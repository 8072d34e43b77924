"""Answers to questions against the pipeline for them, which transformers had until version 5.

A plain account of what it did stands in for it here, window by window and pair by pair. All of
these cases were run once through the pipeline of transformers 4.57.6 too, for BERT and RoBERTa.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.parity.record import record_parity

import goldcrest
from goldcrest.config import Config
from goldcrest.testing import random_checkpoint

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

pytestmark = pytest.mark.parity

TOLERANCE = 1e-4
FAMILIES = ("distilbert", "bert", "roberta")
QUESTION = "Was the food good?"
SHORT = "The Caf\u00e9 food was very good, but the service is slow; would recommend\u2026"
LONG = "The staff is friendly! Would you come again? The day was calm, and the food awful. " * 6
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "one": (SHORT, {}, {}),
    "n best": (SHORT, {"n_best": 4}, {}),
    "one token": (SHORT, {"n_best": 3, "max_answer_tokens": 1}, {}),
    "long answers": (SHORT, {"n_best": 3, "max_answer_tokens": 1000}, {}),
    "none allowed": (SHORT, {"n_best": 30, "allow_none": True}, {}),
    "windows": (LONG, {"n_best": 5, "allow_none": True}, {"max_length": 48, "stride": 16}),
    "windows that share most": (LONG, {"n_best": 3}, {"max_length": 60, "stride": 40}),
    "windows that share nothing": (LONG, {"n_best": 3}, {"max_length": 50, "stride": 0}),
}
Row = tuple[str, int, int, float]


@pytest.fixture(scope="module", params=FAMILIES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("span") / request.param
    return random_checkpoint(target, family=request.param, task="span")


@pytest.fixture(scope="module")
def ours(folder: Path, config: Config) -> Iterator[goldcrest.Model]:
    with goldcrest.load(str(folder), config, precision="f32") as model:
        yield model


@pytest.mark.parametrize("case", CASES)
def test_answer_equals_question_answering(folder: Path, ours: goldcrest.Model, case: str) -> None:
    context, asked, encode = CASES[case]

    (found,) = ours.answer([(QUESTION, context)], **asked, **encode)

    expected = account(folder, context, **asked, **encode)
    assert [row[:3] for row in expected] == [(one.text, one.start, one.end) for one in found]
    scores = np.array([row[3] for row in expected])
    figure = float(np.abs(scores - [one.score for one in found]).max() / scores.max())
    assert figure <= TOLERANCE
    record_parity(folder.name, "span", "f32", figure)


def account(
    folder: Path,
    context: str,
    *,
    n_best: int = 1,
    max_answer_tokens: int = 15,
    allow_none: bool = False,
    max_length: int = 128,
    stride: int = 32,
) -> list[Row]:
    """What the pipeline finds, token pair by token pair."""
    found: dict[str, Row] = {}
    none = 1.0
    for logits, raw in read(folder, context, max_length=max_length, stride=stride):
        inside = [place for place, text in enumerate(raw.sequence_ids) if text == 1]
        shares = torch.softmax(logits[[0, *inside]], dim=0).numpy()
        none = min(none, float(shares[0].prod()))
        pairs = [
            (float(shares[first + 1, 0] * shares[last + 1, 1]), inside[first], inside[last])
            for first, last in product(range(len(inside)), repeat=2)
            if 0 <= last - first < max_answer_tokens
        ]
        for score, first, last in sorted(pairs, reverse=True)[: 2 * n_best + 10]:
            start = raw.word_to_chars(raw.token_to_word(first), 1)[0]
            end = raw.word_to_chars(raw.token_to_word(last), 1)[1]
            key = context[start:end].lower()
            row = found.get(key, (context[start:end], start, end, 0.0))
            found[key] = (*row[:3], row[3] + score)
    rows = [*found.values(), *([("", 0, 0, none)] if allow_none else [])]
    return sorted(rows, key=lambda row: -row[3])[:n_best]


def read(folder: Path, context: str, *, max_length: int, stride: int) -> Iterator[tuple[Any, Any]]:
    """Logits and tokens of each window."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForQuestionAnswering.from_pretrained(folder, dtype=torch.float32)
    inputs = tokenizer(
        QUESTION,
        context,
        truncation="only_second",
        max_length=max_length,
        stride=stride,
        return_overflowing_tokens=True,
    )
    for number in range(len(inputs["input_ids"])):
        window = {
            name: torch.tensor([inputs[name][number]]) for name in tokenizer.model_input_names
        }
        with torch.no_grad():
            output = model.eval()(**window)
        yield torch.stack([output.start_logits[0], output.end_logits[0]], dim=1), inputs[number]
