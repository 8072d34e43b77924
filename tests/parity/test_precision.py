"""INT8 and bf16: near f32, and the same alone and in any company."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

import goldcrest
from goldcrest.artifact import Artifact
from goldcrest.checkpoint import read
from goldcrest.compile import Variant, build_artifact
from goldcrest.compile.calibration import default_texts
from goldcrest.compile.tables import TABLE, narrow_table, quantized_rows
from goldcrest.config import Config, Precision
from goldcrest.engine.processor import processor
from goldcrest.graph import build
from goldcrest.models import readout_of, resolve
from goldcrest.testing import random_checkpoint
from goldcrest.values import Floats

pytest.importorskip("nncf")

pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A BERT of two small layers in every variant."""
    folder = tmp_path_factory.mktemp("precision")
    checkpoint = random_checkpoint(
        folder / "checkpoint", family="bert", n_labels=4, width=128, ffn_width=256, spread=1.0
    )
    variants: tuple[Variant, ...] = ("int8", "f32", "int8-weights")
    return build_artifact(read(checkpoint, "random"), folder / "artifact", variants=variants)


def probabilities(artifact: Artifact, precision: Precision, config: Config, *, n: int) -> Floats:
    with goldcrest.load(str(artifact.folder), config, precision=precision) as model:
        together = model.classify(default_texts()[:n])
    return np.array([list(found.scores.values()) for found in together])


@pytest.mark.parametrize("precision", ["int8", "int8-weights"])
def test_int8_stays_near_f32(precision: Precision, artifact: Artifact, config: Config) -> None:
    plain, quantised = (probabilities(artifact, p, config, n=150) for p in ("f32", precision))

    assert np.abs(plain - quantised).mean() < 0.03
    best = np.sort(plain, axis=1)
    is_decided = best[:, -1] - best[:, -2] > 0.1  # weights at random leave many texts undecided
    assert (plain.argmax(axis=1) == quantised.argmax(axis=1))[is_decided].mean() > 0.98


@pytest.mark.parametrize(
    ("precision", "tolerance"),
    [("f32", 1e-5), ("bf16", 5e-3), ("int8", 5e-3), ("int8-weights", 5e-3)],
)
def test_an_answer_is_the_same_alone_and_in_company(
    precision: Precision, tolerance: float, artifact: Artifact, config: Config
) -> None:
    if precision == "bf16" and not processor().has_native_bf16:
        pytest.skip("this processor would emulate bf16")
    texts = default_texts()[:60]

    with goldcrest.load(str(artifact.folder), config, precision=precision) as model:
        together = model.classify(texts)
        alone = [model.classify([text])[0] for text in texts]

    for one, other in zip(together, alone, strict=True):
        assert list(one.scores.values()) == pytest.approx(
            list(other.scores.values()), abs=tolerance
        )


ASK = """
import sys, numpy
from pathlib import Path
from goldcrest.artifact import open_artifact
from goldcrest.batching.lane import specimen
from goldcrest.engine.openvino import OpenVinoEngine
from goldcrest.values import Shape
file = open_artifact(Path(sys.argv[1])).variant("int8")
engine = OpenVinoEngine.compile(file, precision="int8", hint="f32", n_threads=1)
grid = specimen(Shape(2, 64), n_jobs=8)
grid.input_ids.flat[:] = numpy.random.default_rng(0).integers(5, 60, grid.input_ids.size)
numpy.save(sys.argv[2], engine.run(grid)["logits"][:8])
"""


@pytest.mark.parametrize("limit", ["AVX512_CORE", "AVX2"])
def test_int8_gives_the_same_answers_without_vnni(
    limit: str, artifact: Artifact, tmp_path: Path
) -> None:
    """Eight-bit weights would overflow there: the answers would be far off."""
    answers = []
    for instructions in ("ALL", limit):
        target = tmp_path / f"{instructions}.npy"
        subprocess.run(  # noqa: S603
            [sys.executable, "-c", ASK, str(artifact.folder), str(target)],
            env={**os.environ, "ONEDNN_MAX_CPU_ISA": instructions},
            check=True,
        )
        answers.append(np.load(target))

    spread = answers[0].std()
    assert np.abs(answers[0] - answers[1]).max() < 0.1 * spread


def test_the_token_table_keeps_its_values_within_a_step_of_int8(tmp_path: Path) -> None:
    encoder = resolve(read(random_checkpoint(tmp_path / "checkpoint")))
    model = build(encoder, readout_of(encoder))
    table = encoder.weights["embed.tokens.weight"]

    rows, scales = quantized_rows(table)
    narrow_table(model.graph, TABLE)

    onnx.checker.check_model(model)
    assert np.abs(rows * scales - table).max() <= scales.max() / 2 + 1e-7
    stored = next(s for s in model.graph.initializer if s.name == TABLE)
    assert onnx.TensorProto.INT8 == stored.data_type
