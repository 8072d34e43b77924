"""ELECTRA (https://arxiv.org/abs/2003.10555): BERT whose embeddings may be narrower than its states.

Generators and discriminators have one form; the generators are the narrower ones.
"""

from __future__ import annotations

from dataclasses import replace

from goldcrest.models.bert import NAMES, read_bert_spec
from goldcrest.models.encoder import Spec
from goldcrest.models.family import Config, Family, read_size
from goldcrest.models.steps import SPAN, TOKENS, Decoder, Linear, Norm

DEFAULTS: Config = {"hidden_size": 256, "num_attention_heads": 4, "intermediate_size": 1024}


def _read_spec(config: Config) -> Spec:
    spec = read_bert_spec({**DEFAULTS, **config}, Spec)
    embed_width = read_size(config, "embedding_size", default=128)
    return replace(spec, embed_width=None if embed_width == spec.width else embed_width)


ELECTRA = Family(
    model_type="electra",
    prefix="electra.",
    names=NAMES | {"embed.project": "embeddings_project"},
    heads={
        "classify": (
            Linear("dense", "classifier.dense", then="gelu"),
            Linear("output", "classifier.out_proj", to="labels"),
        ),
        "tokens": TOKENS,
        "span": SPAN,
        "fill": (
            Linear("dense", "generator_predictions.dense", to="embeddings", then="gelu"),
            Norm("norm", "generator_predictions.LayerNorm"),
            Decoder("generator_lm_head"),
        ),
    },
    read_spec=_read_spec,
)
