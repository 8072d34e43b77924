"""From a checkpoint to an encoder and a readout, whatever its tensors are called."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from goldcrest.checkpoint import read
from goldcrest.errors import NoTrainedHead, TensorProblem, UnsupportedModel
from goldcrest.models import Encoder, classification, readout_of, resolve, task_of
from goldcrest.testing.checkpoint import random_checkpoint
from goldcrest.values import Floats

FAMILIES = ("distilbert", "bert", "roberta")
Tensors = dict[str, Floats]


def resolved(folder: Path) -> Encoder:
    return resolve(read(folder))


def rewrite(folder: Path, change: Callable[[Tensors], Tensors]) -> None:
    tensors = load_file(folder / "model.safetensors")
    save_file(change(tensors), folder / "model.safetensors")


def rename(folder: Path, change: Callable[[str], str]) -> None:
    rewrite(folder, lambda tensors: {change(name): array for name, array in tensors.items()})


def change_config(folder: Path, **changes: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def assert_same_weights(expected: Encoder, real: Encoder) -> None:
    assert set(expected.weights) == set(real.weights)
    for name in expected.weights:
        np.testing.assert_array_equal(expected.weights[name], real.weights[name])


def to_gamma(name: str) -> str:
    return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
        "LayerNorm.bias", "LayerNorm.beta"
    )


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "change",
    [
        to_gamma,
        lambda name: f"module.{name}",
        lambda name: f"model.{name}",
        lambda name: name.replace("distilbert.", "").replace("roberta.", "").replace("bert.", ""),
    ],
    ids=["gamma and beta", "module.", "model.", "no prefix"],
)
def test_a_checkpoint_reads_the_same_under_names_found_on_the_hub(tmp_path, family, change):
    expected = resolved(random_checkpoint(tmp_path / "plain", family=family))
    renamed = random_checkpoint(tmp_path / "renamed", family=family)
    rename(renamed, change)

    assert_same_weights(expected, resolved(renamed))


def test_half_precision_reads_as_its_values(tmp_path):
    def halve(tensors: Tensors) -> Tensors:
        return {name: array.astype(np.float16) for name, array in tensors.items()}

    folder = random_checkpoint(tmp_path)
    full = resolved(random_checkpoint(tmp_path / "full"))
    rewrite(folder, halve)

    real = resolved(folder).weights
    for name in full.weights:
        assert np.float32 == real[name].dtype
        np.testing.assert_array_equal(full.weights[name].astype(np.float16), real[name])


def test_positions_of_roberta_start_after_the_padding_and_hold_its_token_type(tmp_path):
    folder = random_checkpoint(tmp_path, family="roberta", max_positions=30)
    stored = load_file(folder / "model.safetensors")

    positions = resolved(folder).weights["embed.positions.weight"]

    table = stored["roberta.embeddings.position_embeddings.weight"]
    types = stored["roberta.embeddings.token_type_embeddings.weight"]
    assert (32, 30) == (len(table), len(positions))
    np.testing.assert_array_equal(table[2:] + types, positions)


@pytest.mark.parametrize("family", FAMILIES)
def test_leftover_tensors_are_logged_and_buffers_pass_in_silence(tmp_path, family, caplog):
    folder = random_checkpoint(tmp_path, family=family)
    extra: dict[str, Any] = {
        "lm_head.bias": np.zeros(3, np.float32),
        f"{family}.embeddings.position_ids": np.zeros((1, 3), np.int64),
    }
    rewrite(folder, lambda tensors: tensors | extra)
    caplog.set_level(logging.INFO)

    resolved(folder)

    assert "1 tensors are not used: ['lm_head.bias']" in caplog.text


def test_every_missing_tensor_is_named(tmp_path):
    folder = random_checkpoint(tmp_path)
    lost = {
        "distilbert.transformer.layer.1.ffn.lin1.bias",
        "distilbert.embeddings.LayerNorm.weight",
    }
    rewrite(folder, lambda tensors: {k: v for k, v in tensors.items() if k not in lost})

    with pytest.raises(TensorProblem, match="lacks 2 of") as caught:
        resolved(folder)

    assert lost == set(caught.value.tensors)


def test_a_misshapen_tensor_is_named_with_both_shapes(tmp_path):
    folder = random_checkpoint(tmp_path, ffn_width=64)
    change_config(folder, hidden_dim=60)

    with pytest.raises(TensorProblem, match=r"lin1\.weight has the shape \(64, 32\).*\(60, 32\)"):
        resolved(folder)


def test_a_file_with_two_encoders_is_refused(tmp_path):
    folder = random_checkpoint(tmp_path)
    name = "distilbert.embeddings.word_embeddings.weight"
    rewrite(folder, lambda tensors: tensors | {f"other.{name}": tensors[name]})

    with pytest.raises(TensorProblem, match="holds 2 encoders"):
        resolved(folder)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_config_that_names_no_model_type_is_known_by_its_tensors(tmp_path, family):
    folder = random_checkpoint(tmp_path, family=family)
    change_config(folder, model_type=None, architectures=None)

    assert family == resolved(folder).family.model_type


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model_type": "t5"}, "'t5'; supported are distilbert, bert, roberta"),
        ({"position_embedding_type": "relative_key"}, "supported is 'absolute'"),
        ({"is_decoder": True}, "is_decoder as True"),
        ({"add_cross_attention": True}, "add_cross_attention as True"),
        ({"hidden_act": "mish"}, "'mish'; supported are gelu"),
        ({"hidden_size": "wide"}, "hidden_size as 'wide'"),
        ({"num_attention_heads": 5}, "5 attention heads"),
        ({"layer_norm_eps": 0}, "layer_norm_eps as 0"),
        ({"quantization_config": {"bits": 4}}, "quantization_config"),
        ({"pruned_heads": {"0": [1]}}, "pruned_heads"),
    ],
)
def test_a_config_that_asks_for_what_we_lack_is_refused(tmp_path, changes, reason):
    folder = random_checkpoint(tmp_path, family="bert")
    change_config(folder, **changes)

    with pytest.raises(UnsupportedModel, match=reason):
        resolved(folder)


def test_code_that_a_checkpoint_names_is_ignored(tmp_path):
    folder = random_checkpoint(tmp_path)
    change_config(folder, auto_map={"AutoModel": "own.Model"})
    (folder / "own.py").write_text("raise SystemExit")

    assert "classify" == task_of(read(folder))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_task_follows_from_the_tensors(tmp_path, family):
    classifier = random_checkpoint(tmp_path / "classifier", family=family)
    encoder = random_checkpoint(tmp_path / "encoder", family=family, task="embed")

    assert ("classify", "embed") == (task_of(read(classifier)), task_of(read(encoder)))


@pytest.mark.parametrize("family", FAMILIES)
def test_an_encoder_without_a_trained_classifier_cannot_classify(tmp_path, family):
    folder = random_checkpoint(tmp_path, family=family, task="embed")

    with pytest.raises(NoTrainedHead, match=r"never fine-tuned.*`embed` works"):
        readout_of(resolved(folder), "classify")


def test_a_classifier_of_bert_without_its_pooler_cannot_classify(tmp_path):
    folder = random_checkpoint(tmp_path, family="bert")
    rewrite(folder, lambda tensors: {k: v for k, v in tensors.items() if "pooler" not in k})

    with pytest.raises(NoTrainedHead, match=r"pooler\.dense\.weight"):
        classification(resolved(folder))


def test_a_classifier_of_tokens_is_no_classifier_of_texts(tmp_path):
    folder = random_checkpoint(tmp_path, family="bert")
    change_config(folder, architectures=["BertForTokenClassification"])

    assert "embed" == task_of(read(folder))


@pytest.mark.parametrize(
    ("n_labels", "stated", "expected"),
    [
        (1, None, "regression"),
        (2, None, "single_label_classification"),
        (2, "multi_label_classification", "multi_label_classification"),
        (3, "regression", "regression"),
    ],
)
def test_the_problem_type_is_read_or_inferred(tmp_path, n_labels, stated, expected):
    folder = random_checkpoint(tmp_path, n_labels=n_labels)
    change_config(folder, problem_type=stated)

    assert expected == readout_of(resolved(folder)).problem_type


def test_an_unknown_problem_type_is_refused(tmp_path):
    folder = random_checkpoint(tmp_path)
    change_config(folder, problem_type="ranking")

    with pytest.raises(UnsupportedModel, match="'ranking'; supported are"):
        readout_of(resolved(folder))


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"1": "good", "0": "bad"}, ("bad", "good")),
        (None, ("LABEL_0", "LABEL_1")),
    ],
)
def test_labels_come_in_the_order_of_the_logits(tmp_path, stated, expected):
    folder = random_checkpoint(tmp_path)
    change_config(folder, id2label=stated)

    assert expected == readout_of(resolved(folder)).labels


def test_labels_that_do_not_fit_the_classifier_are_refused(tmp_path):
    folder = random_checkpoint(tmp_path, n_labels=3)
    change_config(folder, id2label={"0": "bad", "1": "good"})

    with pytest.raises(TensorProblem, match="3 outputs, but id2label"):
        readout_of(resolved(folder))


def test_what_the_caller_says_of_pooling_overrides_the_checkpoint(tmp_path):
    encoder = resolved(random_checkpoint(tmp_path, pooling="max", normalize=True))

    stated = readout_of(encoder)
    overridden = readout_of(encoder, pooling="cls", normalize=False)

    assert ("max", True) == (stated.pooling, stated.normalize)
    assert ("cls", False) == (overridden.pooling, overridden.normalize)


def test_an_encoder_that_says_nothing_of_pooling_takes_the_mean(tmp_path):
    readout = readout_of(resolved(random_checkpoint(tmp_path, task="embed")))

    assert ("mean", False) == (readout.pooling, readout.normalize)
