"""What a checkpoint's tokenizer files say beside the vocabulary itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from goldcrest.errors import CheckpointError

Options = Mapping[str, Any]

_CLASSES = {
    "albert": "AlbertTokenizer",
    "camembert": "CamembertTokenizer",
    "mpnet": "MPNetTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
}


def read_options(folder: Path) -> Options:
    """The options of a tokenizer, from all the files that may state them.

    ``tokenizer_config.json`` counts most where it lists the added tokens itself; a file without
    that list is older, and ``special_tokens_map.json`` and ``added_tokens.json`` complete it.
    """
    stated = _read_if_any(folder / "tokenizer_config.json")
    special = _read_if_any(folder / "special_tokens_map.json")
    if "added_tokens_decoder" in stated:
        return special | stated
    options = stated | special
    return options | {"added_tokens_decoder": _added(folder / "added_tokens.json", options)}


def tokenizer_class(folder: Path, options: Options) -> str:
    """The tokenizer's class in transformers' words, without "Fast"; empty where nothing says it."""
    config = _read_if_any(folder / "config.json")
    name = options.get("tokenizer_class") or config.get("tokenizer_class")
    return str(name or _CLASSES.get(str(config.get("model_type")), "")).removesuffix("Fast")


def read_object(file: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        CheckpointError: the file holds something else.
    """
    try:
        content = json.loads(file.read_bytes())
    except ValueError as error:
        raise CheckpointError(f"{file} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{file} is not a JSON object")
    return content


def read_text(file: Path) -> str:
    """A text.

    Raises:
        CheckpointError: the file is not UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8")
    except ValueError as error:
        raise CheckpointError(f"{file} is not UTF-8 text") from error


def _read_if_any(file: Path) -> dict[str, Any]:
    return read_object(file) if file.is_file() else {}


def _added(file: Path, options: Options) -> dict[str, Any]:
    """The older list of added tokens, token -> id, in the form of the newer one."""
    special = {_content(value) for key, value in options.items() if key.endswith("_token")}
    return {
        str(index): {
            "content": token,
            "normalized": token not in special,
            "special": token in special,
        }
        for token, index in _read_if_any(file).items()
    }


def _content(stated: object) -> str:
    return str(stated["content"]) if isinstance(stated, dict) else str(stated)
