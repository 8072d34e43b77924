"""DistilBERT (https://arxiv.org/abs/1910.01108): BERT without token types and pooler."""

from __future__ import annotations

from goldcrest.models.encoder import Spec
from goldcrest.models.family import (
    Config,
    Family,
    checked,
    read_activation,
    read_size,
)


def _read_spec(config: Config) -> Spec:
    return checked(
        Spec(
            n_layers=read_size(config, "n_layers", "num_hidden_layers", default=6),
            width=read_size(config, "dim", "hidden_size", default=768),
            n_heads=read_size(config, "n_heads", "num_attention_heads", default=12),
            ffn_width=read_size(config, "hidden_dim", default=3072),
            activation=read_activation(config, "activation"),
            norm_eps=1e-12,
            vocab_size=read_size(config, "vocab_size", default=30522),
            max_positions=read_size(config, "max_position_embeddings", default=512),
        )
    )


DISTILBERT = Family(
    model_type="distilbert",
    prefix="distilbert.",
    embeddings={
        "embed.tokens.weight": "embeddings.word_embeddings.weight",
        "embed.positions.weight": "embeddings.position_embeddings.weight",
        "embed.norm.weight": "embeddings.LayerNorm.weight",
        "embed.norm.bias": "embeddings.LayerNorm.bias",
    },
    layer={
        "query": "transformer.layer.{}.attention.q_lin",
        "key": "transformer.layer.{}.attention.k_lin",
        "value": "transformer.layer.{}.attention.v_lin",
        "output": "transformer.layer.{}.attention.out_lin",
        "attention_norm": "transformer.layer.{}.sa_layer_norm",
        "expand": "transformer.layer.{}.ffn.lin1",
        "contract": "transformer.layer.{}.ffn.lin2",
        "ffn_norm": "transformer.layer.{}.output_layer_norm",
    },
    head={"dense": "pre_classifier", "output": "classifier"},
    head_activation="relu",
    read_spec=_read_spec,
)
