"""DistilBERT (https://arxiv.org/abs/1910.01108): BERT without token types and pooler."""

from __future__ import annotations

from goldcrest.models.encoder import Spec
from goldcrest.models.family import (
    EMBEDDINGS,
    Config,
    Family,
    checked,
    layer_names,
    read_activation,
    read_size,
)
from goldcrest.models.steps import SPAN, TOKENS, Decoder, Linear, Norm


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


LAYER = {
    "query": "attention.q_lin",
    "key": "attention.k_lin",
    "value": "attention.v_lin",
    "output": "attention.out_lin",
    "attention_norm": "sa_layer_norm",
    "expand": "ffn.lin1",
    "contract": "ffn.lin2",
    "ffn_norm": "output_layer_norm",
}
DISTILBERT = Family(
    model_type="distilbert",
    prefix="distilbert.",
    names=EMBEDDINGS | layer_names("transformer.layer.{}", LAYER),
    heads={
        "classify": (
            Linear("dense", "pre_classifier", then="relu"),
            Linear("output", "classifier", to="labels"),
        ),
        "tokens": TOKENS,
        "span": SPAN,
        "fill": (
            Linear("dense", "vocab_transform", then="own"),
            Norm("norm", "vocab_layer_norm"),
            Decoder("vocab_projector"),
        ),
    },
    read_spec=_read_spec,
)
