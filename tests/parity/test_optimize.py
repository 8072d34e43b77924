"""``goldcrest optimize`` on tiny checkpoints: what it writes, what it refuses, and what is served."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import goldcrest
from goldcrest.artifact import open_artifact
from goldcrest.cli.optimize import optimize
from goldcrest.cli.optimize_options import Demand, Options
from goldcrest.compile.calibration import default_texts
from goldcrest.config import CacheConfig, Config, EngineConfig
from goldcrest.engine.processor import processor
from goldcrest.errors import ConfigError, NoVariant, QualityLost
from goldcrest.optimize.result import Report, read
from goldcrest.testing import random_checkpoint, tiny_artifact

pytestmark = pytest.mark.parity  # NNCF is in that environment

TEXTS = default_texts()[:240]
LOOSE = 30.0
"""Points that INT8 of a random model may lose: its answers are nearly ties."""

Run = Callable[..., Report]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Config:
    cache = CacheConfig(folder=str(tmp_path_factory.mktemp("cache")))
    return Config(cache=cache, engine=EngineConfig(threads=1))


@pytest.fixture(scope="module")
def run(settings: Config) -> Run:
    """Run the command in this process with few rounds, and read its report."""

    def run(source: Path, data: Path, out: Path, **options: Any) -> Report:
        given = {"max_drop": LOOSE, "rounds": 2, "threads": 1, **options}
        keep = [f"cache.folder={settings.cache.folder}"]
        try:
            optimize(Options([str(source)], data, out=out, assignments=keep, **given))
        finally:
            assert [] == list(out.parent.glob(f".{out.name}-*")), "something was left behind"
        return read(out.with_name(f"{out.name}.json"))

    return run


def labelled(file: Path, source: Path, config: Config, texts: Sequence[str] = TEXTS) -> Path:
    """Rows whose labels are what the model itself says in f32."""
    with goldcrest.load(str(source), config, precision="f32") as model:
        found = model.classify(texts)
    rows = [{"text": text, "label": one.label} for text, one in zip(texts, found, strict=True)]
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "tickets"
    return random_checkpoint(folder, n_labels=3, spread=4.0)


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "embedder"
    return random_checkpoint(folder, family="bert", pooling="mean", normalize=True)


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """Texts without labels."""
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    return tmp_path / "texts.txt"


@pytest.fixture(scope="module")
def written(source: Path, run: Run, settings: Config) -> Report:
    """What is tried of a classifier with labelled texts, all of it."""
    data = labelled(source.parent / "tickets.jsonl", source, settings)
    return run(source, data, source.parent / "out", tries_all=True)


def test_every_native_precision_is_measured(written: Report) -> None:
    names = {one.name for one in written.tried}

    assert {"f32+f32", "int8+f32", "int8-weights+f32"} <= names
    assert ("f32+bf16" in names) == processor().has_native_bf16
    assert all(one.pace is not None and one.grown_bytes > 0 for one in written.tried)


def test_the_artifact_may_run_in_the_ways_that_passed_and_no_other(written: Report) -> None:
    manifest = open_artifact(Path(written.artifact)).manifest

    assert {one.name for one in written.tried if one.is_within} == set(manifest.passed)
    assert {one.variant for one in written.tried if one.is_within} == set(manifest.variants)


def test_what_was_the_fastest_runs_when_it_is_served_here(
    written: Report, settings: Config
) -> None:
    with goldcrest.load(written.artifact, settings, precision="auto") as served:
        assert written.of(written.fastest).precision == served.precision


def test_the_artifact_answers_as_the_precision_that_is_asked_for(
    written: Report, source: Path, settings: Config
) -> None:
    with goldcrest.load(str(source), settings, precision="f32") as plain:
        expected = plain.classify(TEXTS[:20])
    with goldcrest.load(written.artifact, settings, precision="f32") as served:
        found = served.classify(TEXTS[:20])
    with goldcrest.load(written.artifact, settings, precision="int8") as quantised:
        near = quantised.classify(TEXTS[:20])

    assert [one.scores for one in expected] == [
        pytest.approx(one.scores, abs=1e-5) for one in found
    ]
    assert [one.scores for one in expected] != [one.scores for one in near]


def test_the_report_lies_beside_the_artifact_as_a_page_too(written: Report) -> None:
    page = Path(written.artifact).with_name("out.html").read_text("utf-8")

    assert all(one.name in page for one in written.tried)


def test_texts_without_labels_are_judged_by_agreement(
    source: Path, lines: Path, run: Run, tmp_path: Path
) -> None:
    report = run(source, lines, tmp_path / "out", precision=[Demand.INT8_WEIGHTS])

    assert ("agreement", False) == (report.metric, report.texts.is_labelled)
    assert ("int8-weights",) == tuple(open_artifact(tmp_path / "out").manifest.variants)


def test_an_embedder_is_judged_by_its_vectors(
    embedder: Path, lines: Path, run: Run, tmp_path: Path
) -> None:
    report = run(embedder, lines, tmp_path / "out", precision=[Demand.INT8_WEIGHTS])

    assert "cosine" == report.metric
    assert report.of("int8-weights+f32").value == pytest.approx(1.0, abs=0.01)


def test_a_precision_that_loses_too_much_is_refused_and_nothing_is_written(
    embedder: Path, lines: Path, run: Run, tmp_path: Path
) -> None:
    with pytest.raises(QualityLost, match="points of cosine, more than the limit of 0"):
        run(embedder, lines, tmp_path / "out", precision=[Demand.INT8_WEIGHTS], max_drop=0.0)

    assert not (tmp_path / "out").exists()
    report = read(tmp_path / "out.json")
    assert ("", "refused") == (report.artifact, report.of("int8-weights+f32").verdict)


def broken(source: Path, folder: Path) -> Path:
    """The same checkpoint with two units in a layer that are a thousand times larger than others.

    In f32 the one takes away what the other adds. Eight bits round their weights, and what is left
    over of the two is larger than all else.
    """
    tensors = load_file(source / "model.safetensors")
    layer = "encoder.layer.1"
    into = tensors[f"{layer}.intermediate.dense.weight"]
    out_of = tensors[f"{layer}.output.dense.weight"]
    tensors[f"{layer}.intermediate.dense.bias"][:2] = 0.0
    into[0] *= 1000.0
    into[1] = into[0] / 0.77
    out_of[:, 1] = out_of[:, 0] * -0.77
    shutil.copytree(source, folder)
    save_file(tensors, folder / "model.safetensors")
    return folder


def test_the_layer_that_eight_bits_break_stays_in_float(
    embedder: Path, lines: Path, run: Run, tmp_path: Path
) -> None:
    sensitive = broken(embedder, tmp_path / "broken")

    report = run(sensitive, lines, tmp_path / "out", precision=[Demand.INT8], max_drop=3.0)

    assert report.kept is not None
    assert ("layer.1.contract",) == report.kept.blocks
    assert "passed" == report.of("int8+f32").verdict
    least = min(one.error for one in report.schemes if one.error is not None)
    assert least > 3 * min(report.kept.errors.values())


def test_an_artifact_without_f32_is_refused(lines: Path, run: Run, tmp_path: Path) -> None:
    made = tiny_artifact(tmp_path / "made")
    manifest = made.folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"f32"', '"int8"'))

    with pytest.raises(NoVariant, match="has no f32 graph"):
        run(made.folder, lines, tmp_path / "out")


def test_two_models_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="one MODEL is optimised at a time, not 2"):
        optimize(Options(["a", "b"], tmp_path / "texts.txt"))


def test_int8_weights_answer_as_f32_within_what_eight_bits_allow(
    source: Path, written: Report, settings: Config
) -> None:
    with goldcrest.load(str(source), settings, precision="f32") as plain:
        expected = [list(one.scores.values()) for one in plain.classify(TEXTS)]
    with goldcrest.load(written.artifact, settings, precision="int8-weights") as light:
        found = [list(one.scores.values()) for one in light.classify(TEXTS)]

    assert np.abs(np.array(expected) - np.array(found)).mean() < 0.02
