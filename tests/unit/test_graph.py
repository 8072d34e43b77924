"""The graph: well formed, and an answer depends on its own tokens alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import openvino as ov
import pytest

from goldcrest import graph
from goldcrest.checkpoint import read
from goldcrest.engine.openvino import core
from goldcrest.models import Encoder, Readout, readout_of, resolve
from goldcrest.testing.checkpoint import random_checkpoint
from goldcrest.testing.grid import scattered
from goldcrest.values import Encoding, Floats, Grid

FAMILIES = ("distilbert", "bert", "roberta")


def opened(folder: Path, **options) -> tuple[Encoder, Readout]:
    encoder = resolve(read(folder))
    return encoder, readout_of(encoder, **options)


def compiled_model(model: onnx.ModelProto) -> ov.CompiledModel:
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 2}
    return core().compile_model(core().read_model(model.SerializeToString()), "CPU", options)


def run(compiled: ov.CompiledModel, grid: Grid) -> Floats:
    inputs = {port.any_name: getattr(grid, port.any_name) for port in compiled.inputs}
    return np.array(compiled(inputs)[0])


def encodings_of(encoder: Encoder, lengths: list[int]) -> list[Encoding]:
    rng = np.random.default_rng(3)
    return [
        Encoding(
            rng.integers(5, encoder.spec.vocab_size, length).astype(np.int32),
            rng.integers(0, 2, length).astype(np.int32),
        )
        for length in lengths
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_graph_passes_the_checker_of_onnx(tmp_path, family):
    model = graph.build(*opened(random_checkpoint(tmp_path, family=family)))

    onnx.checker.check_model(model, full_check=True)


@pytest.mark.parametrize(
    ("family", "pooling", "names"),
    [
        ("distilbert", None, ["input_ids", "positions", "owners", "picks"]),
        ("bert", None, ["input_ids", "positions", "owners", "token_types", "picks"]),
        ("roberta", None, ["input_ids", "positions", "owners", "picks"]),
        ("distilbert", "cls", ["input_ids", "positions", "owners", "picks"]),
        ("distilbert", "mean", ["input_ids", "positions", "owners"]),
    ],
)
def test_the_graph_has_only_inputs_that_matter(tmp_path, family, pooling, names):
    folder = random_checkpoint(tmp_path, family=family, pooling=pooling)

    model = graph.build(*opened(folder))

    assert names == [value.name for value in model.graph.input]


@pytest.mark.parametrize(
    ("pooling", "output", "shape"),
    [(None, "logits", (4, 5)), ("cls", "states", (4, 32)), ("mean", "states", (60, 32))],
)
def test_the_output_has_the_shape_of_its_readout(tmp_path, pooling, output, shape):
    folder = random_checkpoint(tmp_path, pooling=pooling, n_labels=5)
    encoder, readout = opened(folder)
    model = graph.build(encoder, readout)
    grid = scattered(encodings_of(encoder, [20, 20, 20]), np.random.default_rng(0), max_gap=0)

    assert output == model.graph.output[0].name
    assert shape == run(compiled_model(model), grid).shape


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", range(3))
def test_a_text_packed_with_others_and_gaps_answers_as_it_does_alone(tmp_path, family, seed):
    encoder, readout = opened(random_checkpoint(tmp_path, family=family, n_labels=4))
    model = compiled_model(graph.build(encoder, readout))
    rng = np.random.default_rng(seed)
    encodings = encodings_of(encoder, [1, 2, 3, 30, 17, 64, 9])
    alone = [run(model, scattered([one], rng, max_gap=0))[0] for one in encodings]

    packed = run(model, scattered(encodings, rng))

    np.testing.assert_allclose(np.stack(alone), packed[: len(encodings)], atol=1e-5)


def test_empty_slots_never_yield_a_nan(tmp_path):
    encoder, readout = opened(random_checkpoint(tmp_path, pooling="mean"))
    grid = scattered(encodings_of(encoder, [3, 5, 2]), np.random.default_rng(0), max_gap=9)

    assert np.isfinite(run(compiled_model(graph.build(encoder, readout)), grid)).all()


def test_the_logits_of_random_checkpoints_differ_from_text_to_text(tmp_path):
    encoder, readout = opened(random_checkpoint(tmp_path, spread=2.0))
    grid = scattered(encodings_of(encoder, list(range(1, 33))), np.random.default_rng(0))

    assert run(compiled_model(graph.build(encoder, readout)), grid).std(axis=0).min() > 0.5


def test_weights_keep_our_names(tmp_path):
    model = graph.build(*opened(random_checkpoint(tmp_path, n_layers=1)))

    names = {tensor.name for tensor in model.graph.initializer}
    assert {"embed.tokens.weight", "layer.0.query.weight", "head.output.bias"} <= names
