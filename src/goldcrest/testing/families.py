"""The smallest configuration of each family that exercises all of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KEYS = {
    "n_layers": "num_hidden_layers",
    "width": "hidden_size",
    "n_heads": "num_attention_heads",
    "ffn_width": "intermediate_size",
    "activation": "hidden_act",
    "norm_eps": "layer_norm_eps",
    "max_positions": "max_position_embeddings",
    "n_token_types": "type_vocab_size",
    "embed_width": "embedding_size",
    "bottleneck": "intra_bottleneck_size",
    "n_groups": "num_hidden_groups",
    "n_inner": "inner_group_num",
    "n_ffns": "num_feedforward_networks",
}
_DISTILBERT_KEYS = _KEYS | {
    "n_layers": "n_layers",
    "width": "dim",
    "n_heads": "n_heads",
    "ffn_width": "hidden_dim",
    "activation": "activation",
}
_SIZES = {"n_layers": 2, "width": 32, "n_heads": 4, "ffn_width": 64, "max_positions": 128}
_BERT: dict[str, Any] = _SIZES | {"activation": "gelu", "pad_token_id": 0, "n_token_types": 2}
_ROBERTA = _BERT | {"pad_token_id": 1, "n_token_types": 1, "norm_eps": 1e-5}
_MOBILEBERT = {"activation": "relu", "width": 64, "embed_width": 24, "bottleneck": 32, "n_ffns": 3}
_TINY: Mapping[str, Mapping[str, Any]] = {
    "distilbert": _SIZES | {"activation": "gelu", "pad_token_id": 0},
    "bert": _BERT,
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "camembert": _ROBERTA,
    "albert": _BERT
    | {"activation": "gelu_new", "n_layers": 4, "embed_width": 16, "n_groups": 2, "n_inner": 2},
    "electra": _BERT | {"embed_width": 16},
    "mpnet": _SIZES | {"activation": "gelu", "pad_token_id": 1, "norm_eps": 1e-5},
    "mobilebert": _BERT | _MOBILEBERT,
}


def tiny_config(family: str, **sizes: Any) -> dict[str, Any]:
    """What ``config.json`` says of a tiny encoder.

    Args:
        family: a supported ``model_type``.
        **sizes: what to change: fields of the family's spec, or keys of its config.
    """
    stated = {**_TINY[family], **sizes}
    if stated["pad_token_id"] == 1:  # where positions begin after the padding token's
        stated["max_positions"] += 2
    keys = _DISTILBERT_KEYS if family == "distilbert" else _KEYS
    return {"model_type": family} | {keys.get(name, name): value for name, value in stated.items()}
