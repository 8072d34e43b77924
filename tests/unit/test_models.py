"""From a checkpoint to an encoder and a readout, whatever its tensors are called."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.checkpoints import Tensors, change_config, rename, rewrite

from goldcrest.checkpoint import read
from goldcrest.errors import TensorProblem, UnsupportedModel
from goldcrest.models import Encoder, resolve, task_of
from goldcrest.models.mpnet import distance_rows
from goldcrest.models.resolve import FAMILIES
from goldcrest.testing.checkpoint import random_checkpoint


def resolved(folder: Path) -> Encoder:
    return resolve(read(folder))


def assert_same_weights(expected: Encoder, real: Encoder) -> None:
    assert set(expected.weights) == set(real.weights)
    for name in expected.weights:
        np.testing.assert_array_equal(expected.weights[name], real.weights[name])


def to_gamma(name: str) -> str:
    return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
        "LayerNorm.bias", "LayerNorm.beta"
    )


def without_prefix(name: str) -> str:
    for family in sorted(FAMILIES.values(), key=lambda family: -len(family.prefix)):
        name = name.removeprefix(family.prefix)
    return name


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "change",
    [
        to_gamma,
        lambda name: f"module.{name}",
        lambda name: f"model.{name}",
        without_prefix,
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
        "other.bias": np.zeros(3, np.float32),
        f"{FAMILIES[family].prefix}embeddings.position_ids": np.zeros((1, 3), np.int64),
    }
    rewrite(folder, lambda tensors: tensors | extra)
    caplog.set_level(logging.INFO)

    resolved(folder)

    assert "1 tensors are not used: ['other.bias']" in caplog.text


def test_positions_of_mpnet_start_after_the_padding_token_whatever_the_config_calls_it(tmp_path):
    folder = random_checkpoint(tmp_path, family="mpnet", max_positions=30)
    change_config(folder, pad_token_id=0)
    stored = load_file(folder / "model.safetensors")

    positions = resolved(folder).weights["embed.positions.weight"]

    table = stored["mpnet.embeddings.position_embeddings.weight"]
    np.testing.assert_array_equal(table[2:], positions)


def test_distances_have_a_bucket_each_up_to_seven_and_then_two_per_doubling():
    forward = distance_rows(200)[199:] - 16

    assert [-16, 1, 2, 3, 4, 5, 6, 7, 8] == forward[:9].tolist()
    assert [8, 9, 9, 10, 10, 11] == forward[[11, 12, 15, 16, 22, 23]].tolist()
    assert [14, 15, 15, 15] == forward[[90, 91, 128, 199]].tolist()
    np.testing.assert_array_equal(forward[1:], distance_rows(200)[198::-1])


@pytest.mark.parametrize(
    ("n_layers", "n_groups", "n_inner", "expected"),
    [
        (3, 1, 1, ["0.0", "0.0", "0.0"]),
        (4, 2, 1, ["0.0", "0.0", "1.0", "1.0"]),
        (2, 2, 2, ["0.0", "0.1", "1.0", "1.1"]),
    ],
)
def test_the_layers_of_a_group_run_in_turn(tmp_path, n_layers, n_groups, n_inner, expected):
    sizes = {"n_layers": n_layers, "n_groups": n_groups, "n_inner": n_inner}
    folder = random_checkpoint(tmp_path, family="albert", **sizes)

    layers = resolved(folder).spec.layers

    assert [f"layer.{name}" for name in expected] == list(layers)


def test_only_mobilebert_refuses_int8():
    assert {"mobilebert"} == {name for name, family in FAMILIES.items() if family.int8_refusal}


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


@pytest.mark.parametrize(
    "family", ["distilbert", "bert", "roberta", "albert", "electra", "mpnet", "mobilebert"]
)
def test_a_config_that_names_no_model_type_is_known_by_its_tensors(tmp_path, family):
    folder = random_checkpoint(tmp_path, family=family)
    change_config(folder, model_type=None, architectures=None)

    assert family == resolved(folder).family.model_type


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model_type": "t5"}, "'t5'; supported are distilbert, bert, .*, mobilebert"),
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


@pytest.mark.parametrize(
    ("family", "changes", "reason"),
    [
        ("mpnet", {"relative_attention_num_buckets": 16}, "_buckets as 16; supported is 32"),
        ("albert", {"num_hidden_groups": 0}, "num_hidden_groups as 0"),
        ("electra", {"position_embedding_type": "relative_key_query"}, "supported is 'absolute'"),
        ("mobilebert", {"normalization_type": "rms"}, "supported is 'no_norm' or 'layer_norm'"),
        ("mobilebert", {"key_query_shared_bottleneck": False}, "or use_bottleneck_attention"),
        ("mobilebert", {"use_bottleneck": "yes"}, "use_bottleneck as 'yes'"),
        ("mobilebert", {"num_attention_heads": 3}, "3 attention heads.*width of 32"),
    ],
)
def test_what_a_family_lacks_is_refused_by_name(tmp_path, family, changes, reason):
    folder = random_checkpoint(tmp_path, family=family)
    change_config(folder, **changes)

    with pytest.raises(UnsupportedModel, match=reason):
        resolved(folder)


def test_code_that_a_checkpoint_names_is_ignored(tmp_path):
    folder = random_checkpoint(tmp_path)
    change_config(folder, auto_map={"AutoModel": "own.Model"})
    (folder / "own.py").write_text("raise SystemExit")

    assert "classify" == task_of(read(folder))
