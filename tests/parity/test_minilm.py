"""The real all-MiniLM-L6-v2, where its folder is at hand."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import goldcrest
from goldcrest import graph
from goldcrest.checkpoint import read
from goldcrest.config import Config, Precision
from goldcrest.engine.openvino import core
from goldcrest.engine.processor import processor
from goldcrest.models import readout_of, resolve
from goldcrest.testing.grid import scattered
from goldcrest.text.tokenizer import Tokenizer
from goldcrest.values import Floats

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

FOLDER = os.environ.get("TEST_MINILM", "")
TEXTS = (
    "A man is playing a guitar.",
    "Someone plays an instrument on stage, and the crowd loves it.",
    "x",
    "Der Hund läuft schnell über die Straße 🐕",
    "The stock market fell by three per cent on Tuesday. " * 12,
)

pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(not FOLDER, reason="TEST_MINILM names no folder"),
]


def reference() -> Floats:
    tokenizer = transformers.AutoTokenizer.from_pretrained(FOLDER)
    model = transformers.AutoModel.from_pretrained(FOLDER, dtype=torch.float32).eval()
    vectors = []
    for text in TEXTS:
        inputs = tokenizer(
            text, truncation=True, max_length=256, padding=False, return_tensors="pt"
        )
        with torch.no_grad():
            vectors.append(model(**inputs).last_hidden_state[0].numpy().mean(0))
    return np.stack([vector / np.linalg.norm(vector) for vector in vectors])


def test_vectors_of_real_weights_equal_those_of_transformers():
    encoder = resolve(read(Path(FOLDER)))
    readout = readout_of(encoder)
    tokenizer = Tokenizer.load(Path(FOLDER, "tokenizer.json"), max_length=256, has_token_types=True)
    grid = scattered([tokenizer.encode(text) for text in TEXTS], np.random.default_rng(0))
    model = core().compile_model(
        core().read_model(graph.build(encoder, readout).SerializeToString()),
        "CPU",
        {"INFERENCE_PRECISION_HINT": "f32"},
    )

    states = model({port.any_name: getattr(grid, port.any_name) for port in model.inputs})[0]

    spans = zip(grid.starts, grid.lengths, strict=True)
    vectors = np.stack([states[start : start + length].mean(0) for start, length in spans])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert ("mean", True) == (readout.pooling, readout.normalize)
    assert (reference() * vectors).sum(axis=1).min() >= 0.9999


@pytest.mark.parametrize(("precision", "least"), [("f32", 0.9999), ("bf16", 0.999)])
def test_embed_gives_the_vectors_of_transformers(
    precision: Precision, least: float, config: Config
) -> None:
    if precision == "bf16" and not processor().has_native_bf16:
        pytest.skip("this processor would emulate bf16")

    with goldcrest.load(FOLDER, config, precision=precision) as model:
        vectors = model.embed(TEXTS)

    assert (reference() * vectors).sum(axis=1).min() >= least
