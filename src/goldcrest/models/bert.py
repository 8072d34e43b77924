"""BERT (https://arxiv.org/abs/1810.04805) and what shares its form: TinyBERT, MiniLM."""

from __future__ import annotations

from goldcrest.models.encoder import Spec
from goldcrest.models.family import (
    Config,
    Family,
    checked,
    read_activation,
    read_eps,
    read_size,
    refuse_options,
)

EMBEDDINGS = {
    "embed.tokens.weight": "embeddings.word_embeddings.weight",
    "embed.positions.weight": "embeddings.position_embeddings.weight",
    "embed.types.weight": "embeddings.token_type_embeddings.weight",
    "embed.norm.weight": "embeddings.LayerNorm.weight",
    "embed.norm.bias": "embeddings.LayerNorm.bias",
}
LAYER = {
    "query": "encoder.layer.{}.attention.self.query",
    "key": "encoder.layer.{}.attention.self.key",
    "value": "encoder.layer.{}.attention.self.value",
    "output": "encoder.layer.{}.attention.output.dense",
    "attention_norm": "encoder.layer.{}.attention.output.LayerNorm",
    "expand": "encoder.layer.{}.intermediate.dense",
    "contract": "encoder.layer.{}.output.dense",
    "ffn_norm": "encoder.layer.{}.output.LayerNorm",
}


def read_bert_spec(config: Config, *, vocab_size: int = 30522, position_offset: int = 0) -> Spec:
    """The spec of BERT and of the families that share its config keys.

    Args:
        config: as parsed.
        vocab_size: the family's default.
        position_offset: rows of the position table that no token uses.

    Raises:
        UnsupportedModel: the config asks for what we do not have.
    """
    refuse_options(
        config,
        {
            "position_embedding_type": ("absolute", None),
            "is_decoder": (False, None),
            "add_cross_attention": (False, None),
        },
    )
    n_stored = read_size(config, "max_position_embeddings", default=512, least=position_offset + 1)
    return checked(
        Spec(
            n_layers=read_size(config, "num_hidden_layers", default=12),
            width=read_size(config, "hidden_size", default=768),
            n_heads=read_size(config, "num_attention_heads", default=12),
            ffn_width=read_size(config, "intermediate_size", default=3072),
            activation=read_activation(config, "hidden_act"),
            norm_eps=read_eps(config, "layer_norm_eps", default=1e-12),
            vocab_size=read_size(config, "vocab_size", default=vocab_size),
            max_positions=n_stored - position_offset,
            n_token_types=read_size(config, "type_vocab_size", default=2, least=0),
            position_offset=position_offset,
        )
    )


BERT = Family(
    model_type="bert",
    prefix="bert.",
    embeddings=EMBEDDINGS,
    layer=LAYER,
    head={"dense": "pooler.dense", "output": "classifier"},
    head_activation="tanh",
    read_spec=read_bert_spec,
)
