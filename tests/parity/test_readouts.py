"""The ends of graphs against transformers: what a checkpoint may store, INT8 and bf16."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from tests.checkpoints import change_config, rewrite
from tests.graphs import READOUTS, Graph, compiled, opened, random_encodings
from tests.parity.record import record_parity, relative_error
from tests.reference import reference

from goldcrest import graph
from goldcrest.checkpoint import read
from goldcrest.compile.calibration import default_texts, encodings_for, packed_grids
from goldcrest.compile.quantize import quantize
from goldcrest.engine.openvino import has_bf16
from goldcrest.engine.processor import processor
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
BF16_TOLERANCE = 0.03
"""Mean error, in standard deviations of the answers: half as much again as the worst that was
measured, 0.10 and 0.020, for another processor may add up in another order. bf16 keeps eight bits
of every number, INT8 eight of the widest in a tensor and seven of weights. Weights at random are
harder on both than those of training, which keeps its states in bounds."""
NEVER_QUANTISED = ("camembert", "mobilebert")
"""CamemBERT's graph is XLM-RoBERTa's; MobileBERT refuses INT8."""
SIZES: dict[str, Any] = {"width": 128, "ffn_width": 256, "max_positions": 64}
SHARED: dict[str, Any] = {"n_layers": 2, "n_groups": 1}
"""Sizes of ALBERT: two inner layers, each run twice. NNCF takes long over many."""


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


@dataclass(frozen=True, slots=True)
class Subject:
    """What the rounding of a random checkpoint is judged by.

    Attributes:
        known: encodings to calibrate on.
        unseen: others, to judge by.
        expected: what transformers says of those, in float32.
    """

    family: str
    task: Readable
    encoder: Encoder
    readout: Readout
    known: list[Encoding]
    unseen: list[Encoding]
    expected: list[Floats]

    def answers(self, model: onnx.ModelProto, *, hint: str) -> list[Floats]:
        grid = scattered(self.unseen, np.random.default_rng(0))
        return Graph(model, self.readout, hint=hint)(grid)


@pytest.fixture(scope="module")
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """Of a family and a task, once for every precision: transformers is what takes the time."""
    family, task = request.param
    folder = random_checkpoint(
        tmp_path_factory.mktemp("subject"),
        family=family,
        task=task,
        n_labels=5,
        spread=1.0,
        **SIZES | (SHARED if family == "albert" else {}),
    )
    encoder, readout = opened(folder, task)
    known, unseen = texts_of(encoder, readout, folder)
    return Subject(family, task, encoder, readout, known, unseen, reference(folder, task, unseen))


def subjects(families: Iterable[str]) -> pytest.MarkDecorator:
    """Run a test on every readout of the families, in an order that makes each subject once."""
    pairs = [(family, task) for family in families for task in READOUTS]
    return pytest.mark.parametrize("subject", pairs, ids="-".join, indirect=True)


def mean_error(expected: Sequence[Floats], real: Sequence[Floats]) -> float:
    """In standard deviations of all numbers; one number is off by more by chance."""
    theirs, ours = np.concatenate(expected), np.concatenate(real)
    return float(np.abs(theirs - ours).mean() / theirs.std())


@subjects(family for family in FAMILIES if family not in NEVER_QUANTISED)
def test_int8_stays_near_transformers(subject):
    pytest.importorskip("nncf")
    model = quantize(graph.build(subject.encoder, subject.readout), packed_grids(subject.known))

    real = subject.answers(model, hint="f32")

    record_parity(subject.family, subject.task, "int8", relative_error(subject.expected, real))
    assert mean_error(subject.expected, real) <= INT8_TOLERANCE


@pytest.mark.skipif(
    not (processor().has_native_bf16 and has_bf16()), reason="this processor would emulate bf16"
)
@subjects(FAMILIES)
def test_bf16_stays_near_transformers(subject):
    model = graph.build(subject.encoder, subject.readout)

    real = subject.answers(model, hint="bf16")

    figure = relative_error(subject.expected, real)
    record_parity(subject.family, subject.task, "bf16", figure)
    assert figure > TOLERANCE, "this is f32"
    assert mean_error(subject.expected, real) <= BF16_TOLERANCE


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
