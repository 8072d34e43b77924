"""The student's sizes, from those of the checkpoint it begins from."""

from __future__ import annotations

from typing import Any

from goldcrest.distill.config import Kind, Stage
from goldcrest.distill.targets import Labelling
from goldcrest.errors import ConfigError, UnsupportedModel
from goldcrest.models import Encoder, Spec
from goldcrest.models.family import Family
from goldcrest.models.resolve import FAMILIES
from goldcrest.names import Readable

READS: dict[Kind, Readable] = {
    "labels": "classify",
    "task": "classify",
    "embedding": "embed",
    "masked-lm": "fill",
}
"""Kind -> what the result is read for."""
_ENDS = {"classify": "ForSequenceClassification", "fill": "ForMaskedLM", "embed": "Model"}
_ACTIVATIONS = {"gelu_tanh": "gelu_new"}


def mirrored(n_layers: int, n_teacher_layers: int) -> tuple[int, ...]:
    """The teacher's layers that a student's are made from: evenly spaced, the last among them.

    Raises:
        ConfigError: the student has more layers than the teacher.
    """
    if n_layers > n_teacher_layers:
        raise ConfigError(
            f"layers = {n_layers} is more than the {n_teacher_layers} of the checkpoint that the "
            "student begins from"
        )
    return tuple((i + 1) * n_teacher_layers // n_layers - 1 for i in range(n_layers))


_IDENTITY = "torch.nn.modules.linear.Identity"


def family_of(stage: Stage, begins: Encoder) -> Family:
    """The student's family.

    Raises:
        UnsupportedModel: it would be one that cannot be a student.
    """
    name = stage.family or begins.family.model_type
    if name not in ("bert", "distilbert"):
        raise UnsupportedModel(
            f"a student of the family {name!r} cannot be made; give the family: distilbert or bert"
        )
    return FAMILIES[name]


def student_config(
    stage: Stage, begins: Encoder, *, n_tokens: int, pad_id: int, labelling: Labelling
) -> dict[str, Any]:
    """What ``config.json`` says of the student.

    Args:
        stage: its sizes; 0 leaves one to the checkpoint it begins from.
        begins: that checkpoint.
        n_tokens: rows of its token table.
        pad_id: of the token that fills up rows.
        labelling: what its outputs are, if it is a classifier.

    Raises:
        ConfigError: the sizes do not agree.
        UnsupportedModel: no student of that family can be made.
    """
    spec, family = begins.spec, family_of(stage, begins)
    width = stage.width or spec.width
    head_width = spec.width // spec.n_heads
    n_heads = stage.heads or max(1, width // head_width)
    if width % n_heads:
        raise ConfigError(f"heads = {n_heads} does not divide the width of {width}")
    ffn = stage.ffn or (spec.ffn_width * width // spec.width)
    n_layers = stage.layers or spec.n_layers
    config: dict[str, Any] = {
        "model_type": family.model_type,
        "architectures": [architecture(family, READS[stage.kind])],
        "vocab_size": n_tokens,
        "max_position_embeddings": spec.max_positions,
        "pad_token_id": pad_id,
        "initializer_range": 0.02,
    }
    config |= _sizes(family, spec, n_layers=n_layers, width=width, n_heads=n_heads, ffn=ffn)
    if labelling.names:
        config["id2label"] = {str(index): name for index, name in enumerate(labelling.names)}
        config["label2id"] = {name: index for index, name in enumerate(labelling.names)}
    if labelling.problem == "regression":  # else sentence-transformers takes its sigmoid
        config["sentence_transformers"] = {"activation_fn": _IDENTITY}
    if labelling.names and not labelling.is_bare:
        config["problem_type"] = labelling.problem
    return config


def architecture(family: Family, task: Readable) -> str:
    """What transformers calls a model of the family with that head."""
    return {"bert": "Bert", "distilbert": "DistilBert"}[family.model_type] + _ENDS[task]


def _sizes(
    family: Family, spec: Spec, *, n_layers: int, width: int, n_heads: int, ffn: int
) -> dict[str, Any]:
    activation = _ACTIVATIONS.get(spec.activation, spec.activation)
    if family.model_type == "distilbert":
        return {
            "n_layers": n_layers,
            "dim": width,
            "n_heads": n_heads,
            "hidden_dim": ffn,
            "activation": activation,
        }
    return {
        "num_hidden_layers": n_layers,
        "hidden_size": width,
        "num_attention_heads": n_heads,
        "intermediate_size": ffn,
        "hidden_act": activation,
        "layer_norm_eps": spec.norm_eps,
        "type_vocab_size": max(2, spec.n_token_types),
    }
