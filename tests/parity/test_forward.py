"""Our graph, run by OpenVINO in float32, against transformers on the same checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest

from goldcrest import graph
from goldcrest.checkpoint import read
from goldcrest.engine.openvino import core
from goldcrest.models import Encoder, Readout, readout_of, resolve
from goldcrest.testing.checkpoint import random_checkpoint
from goldcrest.testing.grid import scattered
from goldcrest.values import Encoding, Floats, Grid

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

pytestmark = pytest.mark.parity

TOLERANCE = 1e-4
FAMILIES = ("distilbert", "bert", "roberta")
REAL_SHAPES: dict[str, tuple[Any, dict[str, Any]]] = {
    "distilbert-base": ("distilbert", {"width": 768, "n_heads": 12, "ffn_width": 3072}),
    "bert-base": ("bert", {"width": 768, "n_heads": 12, "ffn_width": 3072}),
    "tinybert-4l": ("bert", {"width": 312, "n_heads": 12, "ffn_width": 1200}),
    "bert-tiny": ("bert", {"width": 128, "n_heads": 2, "ffn_width": 512}),
    "minilm-l6": ("bert", {"width": 384, "n_heads": 12, "ffn_width": 1536}),
    "distilroberta-base": ("roberta", {"width": 768, "n_heads": 12, "ffn_width": 3072}),
}


def random_encodings(encoder: Encoder, lengths: list[int], seed: int = 0) -> list[Encoding]:
    rng = np.random.default_rng(seed)
    encodings = []
    for length in lengths:
        ids = rng.integers(5, encoder.spec.vocab_size, length).astype(np.int32)
        types = np.sort(rng.integers(0, 2, length)).astype(np.int32)
        encodings.append(Encoding(ids, types if encoder.spec.has_token_types else None))
    return encodings


def reference(folder: Path, encodings: list[Encoding], readout: Readout) -> Floats:
    kind = "ForSequenceClassification" if readout.task == "classify" else ""
    loader = getattr(transformers, f"AutoModel{kind}")
    model, info = loader.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float32, output_loading_info=True
    )
    assert not [name for name in info["missing_keys"] if "pooler" not in name]
    model.eval()
    return np.stack([reference_one(model, encoding, readout) for encoding in encodings])


def reference_one(model, encoding: Encoding, readout: Readout) -> Floats:
    inputs = {"input_ids": torch.tensor(encoding.ids[None].astype(np.int64))}
    if encoding.token_types is not None:
        inputs["token_type_ids"] = torch.tensor(encoding.token_types[None].astype(np.int64))
    with torch.no_grad():
        output = model(**inputs)
    if readout.task == "classify":
        return np.asarray(output.logits[0])
    return pool(output.last_hidden_state[0].numpy(), readout)


def pool(states: Floats, readout: Readout) -> Floats:
    pooled = {"cls": states[0], "mean": states.mean(0), "max": states.max(0)}
    return np.asarray(pooled[readout.pooling or "cls"], np.float32)


def compiled(encoder: Encoder, readout: Readout) -> ov.CompiledModel:
    model = core().read_model(graph.build(encoder, readout).SerializeToString())
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 2}
    return core().compile_model(model, "CPU", options)


def answers(model: ov.CompiledModel, grid: Grid, readout: Readout) -> Floats:
    inputs = {port.any_name: getattr(grid, port.any_name) for port in model.inputs}
    output = model(inputs)[readout.output]
    if readout.uses_picks:
        return np.array(output[: grid.n_jobs])
    spans = zip(grid.starts, grid.lengths, strict=True)
    return np.stack([pool(output[start : start + n], readout) for start, n in spans])


def relative_error(expected: Floats, real: Floats, readout: Readout) -> float:
    """Against the spread of the logits, or the length of the vectors."""
    if readout.task == "classify":
        return float(np.abs(real - expected).max() / expected.std())
    lengths = np.linalg.norm(expected, axis=1)
    return float((np.linalg.norm(real - expected, axis=1) / lengths).max())


def assert_parity(folder: Path, *, lengths: list[int], **options: str) -> None:
    encoder = resolve(read(folder))
    readout = readout_of(encoder, **options)  # type: ignore[arg-type]  # a test's own options
    encodings = random_encodings(encoder, lengths)
    expected, model = reference(folder, encodings, readout), compiled(encoder, readout)

    rng = np.random.default_rng(1)
    alone = [answers(model, scattered([one], rng, max_gap=0), readout)[0] for one in encodings]
    packed = [answers(model, scattered(encodings, rng), readout) for _ in range(3)]

    for real in (np.stack(alone), *packed):
        assert relative_error(expected, real, readout) <= TOLERANCE


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("n_labels", [1, 2, 7])
def test_logits_equal_those_of_transformers_at_every_length(tmp_path, family, n_labels):
    folder = random_checkpoint(tmp_path, family=family, n_labels=n_labels, max_positions=40)

    assert_parity(folder, lengths=list(range(1, 41)))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pooling", ["cls", "mean", "max"])
def test_pooled_states_equal_those_of_transformers(tmp_path, family, pooling):
    folder = random_checkpoint(tmp_path, family=family, task="embed", max_positions=40)

    assert_parity(folder, lengths=[1, 2, 3, 5, 8, 13, 21, 39, 40], pooling=pooling)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("problem", ["multi_label_classification", "regression"])
def test_the_problem_type_leaves_the_logits_alone(tmp_path, family, problem):
    folder = random_checkpoint(tmp_path, family=family, n_labels=3)
    change_config(folder, problem_type=problem)

    assert_parity(folder, lengths=[1, 9, 33])


@pytest.mark.parametrize("activation", ["gelu_new", "gelu_pytorch_tanh", "relu", "silu"])
def test_activations_equal_those_of_transformers(tmp_path, activation):
    folder = random_checkpoint(tmp_path, family="bert")
    change_config(folder, hidden_act=activation)

    assert_parity(folder, lengths=[1, 9, 33])


@pytest.mark.parametrize("n_types", [1, 3])
@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_any_number_of_token_types_equals_transformers(tmp_path, family, n_types):
    folder = random_checkpoint(tmp_path, family=family, n_token_types=n_types)

    assert_parity(folder, lengths=[1, 9, 33])


@pytest.mark.parametrize("shape", REAL_SHAPES)
@pytest.mark.parametrize("task", ["classify", "embed"])
def test_real_shapes_equal_transformers_up_to_the_longest_text(tmp_path, shape, task):
    family, sizes = REAL_SHAPES[shape]
    folder = random_checkpoint(
        tmp_path, family=family, task=task, vocab_size=2000, max_positions=512, **sizes
    )

    assert_parity(folder, lengths=[1, 2, 17, 100, 511, 512], task=task)


def change_config(folder: Path, **changes: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
