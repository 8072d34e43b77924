"""The small files beside a result's weights, as transformers and sentence-transformers want them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_KINDS = ("unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
_CLASSES = {"bert": "BertTokenizer", "distilbert": "DistilBertTokenizer"}
_PACKAGE = "sentence_transformers"


def sidecars(
    tokenizer: str,
    special: Mapping[str, str],
    *,
    family: str,
    max_length: int,
    width: int = 0,
) -> dict[str, Any]:
    """File -> what stands in it.

    Args:
        tokenizer: the text of ``tokenizer.json``.
        special: "mask_token" and so on -> token.
        family: of the model.
        max_length: tokens of a text, special ones included.
        width: of an embedder's vectors; 0 for others.
    """
    content = json.loads(tokenizer)
    named = {kind: special[kind] for kind in _KINDS if kind in special}
    files: dict[str, Any] = {
        "tokenizer_config.json": _options(content, family, max_length) | named,
        "special_tokens_map.json": named,
    }
    return files | (_modules(width, max_length) if width else {})


def _options(content: Mapping[str, Any], family: str, max_length: int) -> dict[str, Any]:
    normalizer = content.get("normalizer") or {}
    is_word_piece = content["model"].get("type") == "WordPiece"
    types = ["token_type_ids"] if family == "bert" else []
    options: dict[str, Any] = {
        "tokenizer_class": _CLASSES[family] if is_word_piece else "PreTrainedTokenizerFast",
        "model_max_length": max_length,
        "model_input_names": ["input_ids", *types, "attention_mask"],
    }
    if normalizer.get("type") == "BertNormalizer":
        options["do_lower_case"] = normalizer["lowercase"]
        options["strip_accents"] = normalizer["strip_accents"]
        options["tokenize_chinese_chars"] = normalizer["handle_chinese_chars"]
    return options


def _modules(width: int, max_length: int) -> dict[str, Any]:
    kinds = {"Transformer": "", "Pooling": "1_Pooling", "Normalize": "2_Normalize"}
    modules = [
        {"idx": index, "name": str(index), "path": path, "type": f"{_PACKAGE}.models.{kind}"}
        for index, (kind, path) in enumerate(kinds.items())
    ]
    return {
        "modules.json": modules,
        "1_Pooling/config.json": {
            "word_embedding_dimension": width,
            "pooling_mode_cls_token": False,
            "pooling_mode_mean_tokens": True,
            "pooling_mode_max_tokens": False,
            "pooling_mode_mean_sqrt_len_tokens": False,
        },
        "sentence_bert_config.json": {"max_seq_length": max_length, "do_lower_case": False},
    }
