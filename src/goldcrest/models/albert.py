"""ALBERT (https://arxiv.org/abs/1909.11942): layers that share their weights, narrow embeddings."""

from __future__ import annotations

from dataclasses import dataclass

from goldcrest.models.bert import read_bert_spec
from goldcrest.models.encoder import Spec
from goldcrest.models.family import EMBEDDINGS, Config, Family, layer_names, read_size
from goldcrest.models.steps import SPAN, TOKENS, Decoder, Linear, Norm

DEFAULTS: Config = {
    "vocab_size": 30000,
    "hidden_size": 4096,
    "num_attention_heads": 64,
    "intermediate_size": 16384,
    "hidden_act": "gelu_new",
}
GROUP = "encoder.albert_layer_groups.{}.albert_layers.{}"
LAYER = {
    "query": "attention.query",
    "key": "attention.key",
    "value": "attention.value",
    "output": "attention.dense",
    "attention_norm": "attention.LayerNorm",
    "expand": "ffn",
    "contract": "ffn_output",
    "ffn_norm": "full_layer_layer_norm",
}


@dataclass(frozen=True, slots=True)
class AlbertSpec(Spec):
    """The sizes of an ALBERT.

    Attributes:
        n_groups: groups of layers; each runs several times in succession.
        n_inner: layers of a group.
    """

    n_groups: int = 1
    n_inner: int = 1

    @property
    def layers(self) -> tuple[str, ...]:
        """Each of ``n_layers`` steps runs the whole of its group."""
        steps_per_group = self.n_layers / self.n_groups
        return tuple(
            f"layer.{int(step / steps_per_group)}.{inner}"
            for step in range(self.n_layers)
            for inner in range(self.n_inner)
        )


def _read_spec(config: Config) -> AlbertSpec:
    return read_bert_spec(
        {**DEFAULTS, **config},
        AlbertSpec,
        embed_width=read_size(config, "embedding_size", default=128),
        n_groups=read_size(config, "num_hidden_groups", default=1),
        n_inner=read_size(config, "inner_group_num", default=1),
    )


ALBERT = Family(
    model_type="albert",
    prefix="albert.",
    names=EMBEDDINGS
    | {"embed.project": "encoder.embedding_hidden_mapping_in"}
    | layer_names(GROUP, LAYER, layer="layer.{}.{}"),
    heads={
        "classify": (
            Linear("dense", "pooler", then="tanh"),
            Linear("output", "classifier", to="labels"),
        ),
        "tokens": TOKENS,
        "span": SPAN,
        "fill": (
            Linear("dense", "predictions.dense", to="embeddings", then="own"),
            Norm("norm", "predictions.LayerNorm"),
            Decoder("predictions.decoder", bias="predictions.bias"),
        ),
    },
    read_spec=_read_spec,
)
