"""BERT (https://arxiv.org/abs/1810.04805) and what shares its form: TinyBERT, MiniLM."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from goldcrest.models.encoder import Spec
from goldcrest.models.family import (
    EMBEDDINGS,
    Config,
    Family,
    checked,
    layer_names,
    read_activation,
    read_eps,
    read_size,
    refuse_options,
)
from goldcrest.models.steps import SPAN, TOKENS, Decoder, Linear, Norm

LAYER = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "expand": "intermediate.dense",
    "contract": "output.dense",
    "ffn_norm": "output.LayerNorm",
}
NAMES = EMBEDDINGS | layer_names("encoder.layer.{}", LAYER)

S = TypeVar("S", bound=Spec)


def read_bert_spec(
    config: Config, kind: Callable[..., S], *, position_offset: int = 0, **own: object
) -> S:
    """The spec of BERT and of the families that share its config keys.

    Args:
        config: as parsed, over the family's own defaults if they are not those of BERT.
        kind: `Spec`, or the family's own kind of it.
        position_offset: rows of the position table that no token uses.
        **own: fields of that kind that BERT lacks, or that are not as BERT's.

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
    fields: dict[str, object] = {
        "n_layers": read_size(config, "num_hidden_layers", default=12),
        "width": read_size(config, "hidden_size", default=768),
        "n_heads": read_size(config, "num_attention_heads", default=12),
        "ffn_width": read_size(config, "intermediate_size", default=3072),
        "activation": read_activation(config, "hidden_act"),
        "norm_eps": read_eps(config, "layer_norm_eps", default=1e-12),
        "vocab_size": read_size(config, "vocab_size", default=30522),
        "max_positions": n_stored - position_offset,
        "n_token_types": read_size(config, "type_vocab_size", default=2, least=0),
        "position_offset": position_offset,
    }
    return checked(kind(**(fields | own)))


BERT = Family(
    model_type="bert",
    prefix="bert.",
    names=NAMES,
    heads={
        "classify": (
            Linear("dense", "pooler.dense", then="tanh"),
            Linear("output", "classifier", to="labels"),
        ),
        "tokens": TOKENS,
        "span": SPAN,
        "fill": (
            Linear("dense", "cls.predictions.transform.dense", then="own"),
            Norm("norm", "cls.predictions.transform.LayerNorm"),
            Decoder("cls.predictions.decoder", bias="cls.predictions.bias"),
        ),
    },
    read_spec=lambda config: read_bert_spec(config, Spec),
)
