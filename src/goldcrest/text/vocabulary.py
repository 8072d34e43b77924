"""From a checkpoint's tokenizer files to one ``tokenizer.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tokenizers

from goldcrest.errors import CheckpointError, CheckpointNotFound
from goldcrest.text.bytepair import byte_pairs
from goldcrest.text.options import Options, read_object, read_options, tokenizer_class
from goldcrest.text.special import BERT, ROBERTA, content
from goldcrest.text.wordpiece import word_pieces

_NORMALIZER_KEYS = {
    "do_lower_case": "lowercase",
    "strip_accents": "strip_accents",
    "tokenize_chinese_chars": "handle_chinese_chars",
}
_CLASSES_WITHOUT_OPTIONS = {"PreTrainedTokenizer", "TokenizersBackend"}
_MODELS = ("spiece.model", "sentencepiece.bpe.model")


def build_tokenizer(folder: Path) -> str:
    """The text of a ``tokenizer.json`` for the tokenizer files in a folder.

    Takes ``tokenizer.json`` where there is one, else builds WordPiece from ``vocab.txt``,
    byte-level BPE from ``vocab.json`` and ``merges.txt``, or Unigram from a SentencePiece model,
    with the options of ``tokenizer_config.json``. The ids are those of transformers' tokenizers.

    Raises:
        CheckpointNotFound: there are no such files.
        CheckpointError: they are not what their names say.
        UnsupportedModel: they belong to a tokenizer that we do not have.
    """
    text = json.dumps(_content(folder), ensure_ascii=False)
    parse(text, source=str(folder))
    return text


def special_tokens(folder: Path) -> Mapping[str, str]:
    """The special tokens of a folder's tokenizer by key: "mask_token", "cls_token" and so on.

    Only those that the tokenizer finds whole in a text are there.

    Raises:
        CheckpointError: as `build_tokenizer` does.
    """
    options = read_options(folder)
    added = {token["content"] for token in _content(folder).get("added_tokens", ())}
    found: dict[str, str] = {}
    for key in ROBERTA:
        stated = (options.get(key), BERT.get(key), ROBERTA[key])
        names = [content(name) for name in stated if name and content(name) in added]
        found.update(zip([key], names, strict=False))  # the first of them, if any
    return found


def parse(text: str, *, source: str) -> tokenizers.Tokenizer:
    """A tokenizer that neither cuts nor pads, from the text of a ``tokenizer.json``.

    Raises:
        CheckpointError: it is not one.
    """
    try:
        tokenizer = tokenizers.Tokenizer.from_str(text)
    except Exception as error:  # the library raises Exception itself
        raise CheckpointError(f"the tokenizer of {source} cannot be read: {error}") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _content(folder: Path) -> dict[str, Any]:
    options = read_options(folder)
    if (folder / "tokenizer.json").is_file():
        found = _adapted(read_object(folder / "tokenizer.json"), options)
    else:
        found = json.loads(_built(folder, options).to_str())
    if _is_lowered_first(folder):
        steps = [{"type": "Lowercase"}, found.get("normalizer")]
        found["normalizer"] = {"type": "Sequence", "normalizers": [s for s in steps if s]}
    return found


def _built(folder: Path, options: Options) -> tokenizers.Tokenizer:
    name = tokenizer_class(folder, options)
    if (folder / "vocab.txt").is_file():
        return word_pieces(folder / "vocab.txt", options, name=name)
    if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        return byte_pairs(folder, options)
    for file in _MODELS:
        if (folder / file).is_file():
            from goldcrest.text.sentencepiece import sentence_pieces

            return sentence_pieces(folder / file, options, name=name)
    raise CheckpointNotFound(
        f"{folder} holds no tokenizer: neither tokenizer.json, nor vocab.txt, nor vocab.json with "
        f"merges.txt, nor {' or '.join(_MODELS)}"
    )


def _adapted(content: dict[str, Any], options: Options) -> dict[str, Any]:
    """Where ``tokenizer_config.json`` contradicts the normaliser, transformers believes it."""
    normalizer = content.get("normalizer") or {}
    if normalizer.get("type") != "BertNormalizer":
        return content
    if str(options.get("tokenizer_class")).removesuffix("Fast") in _CLASSES_WITHOUT_OPTIONS:
        return content
    stated = {ours: options[key] for key, ours in _NORMALIZER_KEYS.items() if key in options}
    return content | {"normalizer": normalizer | stated}


def _is_lowered_first(folder: Path) -> bool:
    """Whether sentence-transformers lowers a text before its tokenizer sees it."""
    files = folder.glob("sentence_*_config.json")
    return any(read_object(file).get("do_lower_case") is True for file in files)
