"""The readout of a checkpoint: which head it has, and what its numbers mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from safetensors.numpy import load_file
from tests.checkpoints import change_config, rewrite

from goldcrest import graph
from goldcrest.checkpoint import read
from goldcrest.errors import NoTrainedHead, TensorProblem, UnsupportedModel
from goldcrest.models import Encoder, readout_of, readouts_of, resolve, task_of
from goldcrest.names import Readable
from goldcrest.testing.checkpoint import random_checkpoint

FAMILIES = (
    "distilbert",
    "bert",
    "roberta",
    "xlm-roberta",
    "camembert",
    "albert",
    "electra",
    "mpnet",
    "mobilebert",
)
TRAINED = ("classify", "tokens", "span", "fill")


def resolved(folder: Path) -> Encoder:
    return resolve(read(folder))


def without(folder: Path, part: str) -> None:
    rewrite(folder, lambda tensors: {k: v for k, v in tensors.items() if part not in k})


def width_of(model: Any) -> int:
    return int(model.graph.output[0].type.tensor_type.shape.dim[1].dim_value)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("task", [*TRAINED, "embed"])
def test_the_task_follows_from_the_architecture_and_the_tensors(tmp_path, family, task):
    folder = random_checkpoint(tmp_path, family=family, task=task)

    assert task == task_of(read(folder))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("task", TRAINED)
def test_the_graph_of_every_head_is_sound_and_picks_only_where_it_reads_single_states(
    tmp_path, family, task
):
    encoder = resolved(random_checkpoint(tmp_path, family=family, task=task, n_layers=1))

    model = graph.build(encoder, readout_of(encoder))

    onnx.checker.check_model(model, full_check=True)
    names = [value.name for value in model.graph.input]
    assert (task in ("classify", "fill")) == ("picks" in names)


@pytest.mark.parametrize(
    ("task", "output", "width"),
    [
        ("classify", "logits", 5),
        ("tokens", "logits", 5),
        ("span", "logits", 2),
        ("fill", "logits", 300),
        ("embed", "states", 32),
    ],
)
def test_the_output_is_as_wide_as_the_readout_says(tmp_path, task, output, width):
    folder = random_checkpoint(tmp_path, task=task, n_labels=5, vocab_size=300)
    encoder = resolved(folder)
    readout = readout_of(encoder)

    model = graph.build(encoder, readout)

    assert (output, width, width) == (readout.output, readout.width, width_of(model))


@pytest.mark.parametrize("pooling", ["cls", "mean", "max"])
def test_an_embedder_gives_every_state_however_it_pools(tmp_path, pooling):
    assert not readout_of(resolved(random_checkpoint(tmp_path, pooling=pooling))).uses_picks


@pytest.mark.parametrize("task", TRAINED)
def test_every_checkpoint_can_embed_when_asked(tmp_path, task):
    readout = readout_of(resolved(random_checkpoint(tmp_path, task=task)), "embed")

    assert ("embed", "mean") == (readout.task, readout.pooling)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("task", TRAINED)
def test_a_task_that_was_never_trained_is_refused(tmp_path, family, task):
    folder = random_checkpoint(tmp_path, family=family, task="embed")

    with pytest.raises(NoTrainedHead, match=r"no trained head.*`embed` works"):
        readout_of(resolved(folder), task)


@pytest.mark.parametrize(
    ("task", "asked"), [("classify", "tokens"), ("tokens", "classify"), ("span", "tokens")]
)
def test_a_head_for_another_task_is_none_for_this(tmp_path, task: Readable, asked: Readable):
    folder = random_checkpoint(tmp_path, family="bert", task=task)

    with pytest.raises(NoTrainedHead, match="is a BertFor"):
        readout_of(resolved(folder), asked)


def test_a_classifier_of_bert_without_its_pooler_cannot_classify(tmp_path):
    folder = random_checkpoint(tmp_path, family="bert")
    without(folder, "pooler")

    with pytest.raises(NoTrainedHead, match=r"pooler\.dense\.weight"):
        readout_of(resolved(folder), "classify")


def test_a_mobilebert_that_has_no_pooler_by_its_config_classifies_without(tmp_path):
    folder = random_checkpoint(tmp_path, family="mobilebert", classifier_activation=False)

    model = graph.build(*(encoder := resolved(folder), readout_of(encoder)))

    stored = {tensor.name for tensor in model.graph.initializer}
    assert "classify.output.weight" in stored
    assert "classify.dense.weight" not in stored


@pytest.mark.parametrize("architectures", [["BertForPreTraining"], ["BertModel"], None])
def test_a_pretrained_checkpoint_embeds_and_fills_when_asked(tmp_path, architectures):
    folder = random_checkpoint(tmp_path, family="bert", task="fill")
    change_config(folder, architectures=architectures)
    encoder = resolved(folder)

    assert ("embed", "fill") == (readout_of(encoder).task, readout_of(encoder, "fill").task)


def test_what_sentence_transformers_pools_embeds_whatever_head_was_left_in_it(tmp_path):
    folder = random_checkpoint(tmp_path, family="mpnet", task="fill", pooling="mean")

    assert "embed" == task_of(read(folder))


def test_all_readouts_of_a_checkpoint_are_listed_with_its_own_first(tmp_path):
    folder = random_checkpoint(tmp_path, family="bert", task="fill")

    assert ("fill", "embed") == readouts_of(resolved(folder))


@pytest.mark.parametrize("task", ["classify", "span"])
def test_a_config_that_names_no_architecture_leaves_it_to_the_tensors(tmp_path, task):
    folder = random_checkpoint(tmp_path, task=task)
    change_config(folder, architectures=None)

    assert task == task_of(read(folder))


@pytest.mark.parametrize("family", FAMILIES)
def test_scores_of_tokens_come_from_their_embeddings_unless_stored_apart(tmp_path, family):
    folder = random_checkpoint(tmp_path, family=family, task="fill")
    tied = resolved(folder).weights["fill.decoder.weight"]
    own = next(iter(resolved(folder).family.head_names()["fill.decoder.weight"]))
    apart = np.full_like(load_file(folder / "model.safetensors")[table_of(family)], 0.5)
    rewrite(folder, lambda tensors: tensors | {own: apart})

    real = resolved(folder).weights["fill.decoder.weight"]

    n = apart.shape[1]
    np.testing.assert_array_equal(resolved(folder).weights["embed.tokens.weight"], tied[:, :n])
    np.testing.assert_array_equal(apart, real[:, :n])


def table_of(family: str) -> str:
    prefix = {"xlm-roberta": "roberta", "camembert": "roberta"}.get(family, family)
    return f"{prefix}.embeddings.word_embeddings.weight"


def test_a_config_that_unties_the_scores_must_store_them(tmp_path):
    folder = random_checkpoint(tmp_path, task="fill")
    change_config(folder, tie_word_embeddings=False)

    with pytest.raises(NoTrainedHead, match=r"vocab_projector\.weight"):
        readout_of(resolved(folder), "fill")


@pytest.mark.parametrize("name", ["cls.predictions.bias", "cls.predictions.decoder.bias"])
def test_the_bias_of_the_scores_is_found_under_either_name(tmp_path, name):
    folder = random_checkpoint(tmp_path, family="bert", task="fill")
    bias = load_file(folder / "model.safetensors")["cls.predictions.bias"]
    without(folder, "cls.predictions.bias")
    rewrite(folder, lambda tensors: tensors | {name: bias})

    np.testing.assert_array_equal(bias, resolved(folder).weights["fill.decoder.bias"])


def test_spans_need_two_outputs(tmp_path):
    folder = random_checkpoint(tmp_path, task="span")
    three = {"qa_outputs.weight": np.zeros((3, 32)), "qa_outputs.bias": np.zeros(3)}
    rewrite(folder, lambda tensors: tensors | {k: v.astype("f4") for k, v in three.items()})

    with pytest.raises(TensorProblem, match="has 3 outputs; it must have 2"):
        readout_of(resolved(folder))


def test_a_head_of_another_shape_is_named(tmp_path):
    folder = random_checkpoint(tmp_path)
    rewrite(folder, lambda tensors: tensors | {"pre_classifier.bias": np.zeros(5, np.float32)})

    with pytest.raises(TensorProblem, match=r"pre_classifier\.bias has the shape \(5,\)"):
        readout_of(resolved(folder))


@pytest.mark.parametrize(
    ("n_labels", "changes", "expected"),
    [
        (1, {}, "multi_label_classification"),
        (1, {"problem_type": "single_label_classification"}, "multi_label_classification"),
        (1, {"problem_type": "regression"}, "regression"),
        (2, {}, "single_label_classification"),
        (2, {"problem_type": "multi_label_classification"}, "multi_label_classification"),
        (3, {"problem_type": "regression"}, "regression"),
    ],
)
def test_the_problem_type_is_read_or_inferred(tmp_path, n_labels, changes, expected):
    folder = random_checkpoint(tmp_path, n_labels=n_labels)
    change_config(folder, **changes)

    assert expected == readout_of(resolved(folder)).problem_type


@pytest.mark.parametrize(
    ("activation", "expected"),
    [("linear.Identity", "regression"), ("activation.Sigmoid", "multi_label_classification")],
)
@pytest.mark.parametrize("is_newer", [True, False])
def test_a_cross_encoder_scores_as_sentence_transformers_does(
    tmp_path, activation, expected, is_newer
):
    folder = random_checkpoint(tmp_path, family="bert", n_labels=1)
    name = f"torch.nn.modules.{activation}"
    newer = {"sentence_transformers": {"activation_fn": name, "version": "5.0.0"}}
    change_config(folder, **newer if is_newer else {"sbert_ce_default_activation_function": name})

    assert expected == readout_of(resolved(folder)).problem_type


def test_an_unknown_problem_type_is_refused(tmp_path):
    folder = random_checkpoint(tmp_path)
    change_config(folder, problem_type="ranking")

    with pytest.raises(UnsupportedModel, match="'ranking'; supported are"):
        readout_of(resolved(folder))


@pytest.mark.parametrize("task", ["classify", "tokens"])
@pytest.mark.parametrize(
    ("stated", "expected"),
    [({"1": "good", "0": "bad"}, ("bad", "good")), (None, ("LABEL_0", "LABEL_1"))],
)
def test_labels_come_in_the_order_of_the_logits(tmp_path, task, stated, expected):
    folder = random_checkpoint(tmp_path, task=task)
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
