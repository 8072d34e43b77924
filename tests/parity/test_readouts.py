"""The ends of graphs against transformers: what a checkpoint may store, and INT8."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.checkpoints import change_config, rewrite
from tests.graphs import Graph, compiled, opened, random_encodings
from tests.parity.record import record_parity
from tests.reference import reference

from goldcrest import graph
from goldcrest.checkpoint import read
from goldcrest.compile.calibration import default_texts, encodings_for, packed_grids
from goldcrest.compile.quantize import quantize
from goldcrest.models import Encoder, Readout, readout_of, resolve
from goldcrest.models.resolve import FAMILIES
from goldcrest.names import Readable
from goldcrest.testing.checkpoint import random_checkpoint
from goldcrest.testing.grid import scattered
from goldcrest.text.tokenizer import Tokenizer
from goldcrest.text.vocabulary import special_tokens
from goldcrest.values import Encoding, Floats

pytest.importorskip("torch")
pytest.importorskip("transformers")

pytestmark = pytest.mark.parity

TOLERANCE = 1e-4
INT8_TOLERANCE = 0.15
"""Mean error, in standard deviations of the logits. Weights at random are harder on eight bits than
those of training, which keeps its states in bounds."""
QUANTISED = ("distilbert", "bert", "roberta", "albert", "electra", "mpnet")
"""All that INT8 suits, but for those whose graph is RoBERTa's."""
SIZES: dict[str, Any] = {"width": 128, "ffn_width": 256, "max_positions": 64}


def relative_error(expected: Sequence[Floats], real: Sequence[Floats]) -> float:
    ours, theirs = np.concatenate(real), np.concatenate(expected)
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def error_packed(folder: Path, task: Readable) -> float:
    """How far a graph is from transformers, on texts packed with neighbours and gaps."""
    encoder, readout = opened(folder, task)
    encodings = random_encodings(encoder, [1, 2, 9, 33], n_picks=2)
    grid = scattered(encodings, np.random.default_rng(0))
    return relative_error(reference(folder, task, encodings), compiled(encoder, readout)(grid))


@pytest.mark.parametrize("family", FAMILIES)
def test_scores_that_are_stored_apart_from_the_embeddings_equal_transformers(tmp_path, family):
    folder = random_checkpoint(tmp_path, family=family, task="fill")
    names = FAMILIES[family].head_names()
    (own,) = names["fill.decoder.weight"]
    embeddings = resolve(read(folder)).weights["embed.tokens.weight"]
    rng = np.random.default_rng(7)
    apart = rng.standard_normal(embeddings.shape).astype(np.float32)
    rewrite(folder, lambda tensors: tensors | {own: apart})
    change_config(folder, tie_word_embeddings=False)
    biases = names["fill.decoder.bias"]
    rewrite(folder, lambda tensors: tensors | dict.fromkeys(biases, tensors[biases[-1]]))

    assert error_packed(folder, "fill") <= TOLERANCE


@pytest.mark.parametrize("task", ["classify", "tokens", "span", "fill"])
@pytest.mark.parametrize("family", QUANTISED)
def test_int8_stays_near_transformers(tmp_path, family, task):
    pytest.importorskip("nncf")
    folder = random_checkpoint(tmp_path, family=family, task=task, n_labels=5, spread=1.0, **SIZES)
    encoder, readout = opened(folder, task)
    known, unseen = texts_of(encoder, readout, folder)

    model = quantize(graph.build(encoder, readout), packed_grids(known))
    real = np.concatenate(Graph(model, readout)(scattered(unseen, np.random.default_rng(0))))

    expected = np.concatenate(reference(folder, task, unseen)).reshape(real.shape)
    error = float(np.abs(expected - real).mean() / expected.std())
    record_parity(family, task, "int8", relative_error([expected], [real]))
    assert error <= INT8_TOLERANCE


def texts_of(
    encoder: Encoder, readout: Readout, folder: Path
) -> tuple[list[Encoding], list[Encoding]]:
    """Encodings to calibrate on, and others to judge by."""
    tokenizer = Tokenizer.load(
        folder / "tokenizer.json",
        max_length=encoder.spec.max_positions,
        has_token_types=encoder.spec.has_token_types,
    )
    mask = special_tokens(folder)["mask_token"]
    encodings = encodings_for(readout.task, tokenizer, default_texts()[:120], mask=mask)
    return encodings[:80], encodings[80:]


def test_one_label_scores_as_the_pipeline_of_transformers_does(tmp_path):
    import transformers

    from goldcrest.heads.classify import ClassifyHead
    from goldcrest.tasks import Classify
    from goldcrest.values import Answer

    folder = random_checkpoint(tmp_path, family="bert", n_labels=1)
    ask = transformers.pipeline("text-classification", model=str(folder))
    expected = [ask("good")[0]["score"], ask("a very bad film")[0]["score"]]

    encoder = resolve(read(folder))
    readout = readout_of(encoder)
    tokenizer = Tokenizer.load(folder / "tokenizer.json", max_length=64, has_token_types=True)
    encodings = [tokenizer.encode(text) for text in ("good", "a very bad film")]
    logits = compiled(encoder, readout)(scattered(encodings, np.random.default_rng(0)))
    answers = [Answer((one,), (encoding,)) for one, encoding in zip(logits, encodings, strict=True)]
    head = ClassifyHead(readout.labels, readout.problem_type or "single_label_classification")
    real = head.present([], answers, Classify())

    np.testing.assert_allclose(expected, real[:, 0], atol=1e-5)
