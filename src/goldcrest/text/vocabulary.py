"""From a checkpoint's tokenizer files to one ``tokenizer.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import AddedToken, models, normalizers, pre_tokenizers, processors

from goldcrest.errors import CheckpointError, CheckpointNotFound

_BERT_SPECIAL = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}
_ROBERTA_SPECIAL = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "cls_token": "<s>",
    "mask_token": "<mask>",
}
_NORMALIZER_KEYS = {
    "do_lower_case": "lowercase",
    "strip_accents": "strip_accents",
    "tokenize_chinese_chars": "handle_chinese_chars",
}
_CLASSES_WITHOUT_OPTIONS = {"PreTrainedTokenizerFast", "TokenizersBackend"}

Options = Mapping[str, Any]


def build_tokenizer(folder: Path) -> str:
    """The text of a ``tokenizer.json`` for the tokenizer files in a folder.

    Takes ``tokenizer.json`` where there is one, else builds WordPiece from ``vocab.txt`` or
    byte-level BPE from ``vocab.json`` and ``merges.txt``, with the options of
    ``tokenizer_config.json``. The ids are those of transformers' tokenizers.

    Raises:
        CheckpointNotFound: there are no such files.
        CheckpointError: they are not what their names say.
    """
    options = _read_options(folder)
    if (folder / "tokenizer.json").is_file():
        content = _adapted(_read_object(folder / "tokenizer.json"), options)
    elif (folder / "vocab.txt").is_file():
        content = json.loads(_word_pieces(folder / "vocab.txt", options).to_str())
    elif (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        content = json.loads(_byte_pairs(folder, options).to_str())
    else:
        raise CheckpointNotFound(
            f"{folder} holds no tokenizer: neither tokenizer.json, nor vocab.txt, nor vocab.json "
            "with merges.txt"
        )
    if _is_lowered_first(folder):
        steps = [{"type": "Lowercase"}, content.get("normalizer")]
        content["normalizer"] = {"type": "Sequence", "normalizers": [s for s in steps if s]}
    text = json.dumps(content, ensure_ascii=False)
    parse(text, source=str(folder))
    return text


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


def _read_options(folder: Path) -> Options:
    files = (folder / "special_tokens_map.json", folder / "tokenizer_config.json")
    return {
        key: value for file in files if file.is_file() for key, value in _read_object(file).items()
    }


def _adapted(content: dict[str, Any], options: Options) -> dict[str, Any]:
    """Where ``tokenizer_config.json`` contradicts the normaliser, transformers believes it."""
    normalizer = content.get("normalizer") or {}
    if normalizer.get("type") != "BertNormalizer":
        return content
    if options.get("tokenizer_class") in _CLASSES_WITHOUT_OPTIONS:
        return content
    stated = {ours: options[key] for key, ours in _NORMALIZER_KEYS.items() if key in options}
    return content | {"normalizer": normalizer | stated}


def _is_lowered_first(folder: Path) -> bool:
    """Whether sentence-transformers lowers a text before its tokenizer sees it."""
    files = folder.glob("sentence_*_config.json")
    return any(_read_object(file).get("do_lower_case") is True for file in files)


def _word_pieces(file: Path, options: Options) -> tokenizers.Tokenizer:
    lines = _read_text(file).removesuffix("\n").split("\n")
    vocabulary = {token: index for index, token in enumerate(lines)}
    special = _special_tokens(options, _BERT_SPECIAL, vocabulary=vocabulary, file=file)
    tokenizer = tokenizers.Tokenizer(
        models.WordPiece(vocabulary, unk_token=special["unk_token"].content)
    )
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=options.get("tokenize_chinese_chars", True),
        strip_accents=options.get("strip_accents"),
        lowercase=options.get("do_lower_case", True),
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    sep, cls = _ends(special)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=[cls, "$A", sep],
        pair=[cls, "$A", sep, "$B:1", f"{sep}:1"],
        special_tokens=[(token, vocabulary[token]) for token in (cls, sep)],
    )
    _add_tokens(tokenizer, special, options)
    return tokenizer


def _byte_pairs(folder: Path, options: Options) -> tokenizers.Tokenizer:
    file = folder / "vocab.json"
    vocabulary = _read_object(file)
    lines = _read_text(folder / "merges.txt").split("\n")
    pairs = [line.split(" ") for line in lines if line and not line.startswith("#version")]
    special = _special_tokens(options, _ROBERTA_SPECIAL, vocabulary=vocabulary, file=file)
    try:
        merges = [(left, right) for left, right in pairs]
        tokenizer = tokenizers.Tokenizer(models.BPE(vocabulary, merges))
    except Exception as error:  # the library raises Exception itself
        raise CheckpointError(f"{folder}/merges.txt does not fit vocab.json: {error}") from error
    spaced = bool(options.get("add_prefix_space", False))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=spaced)
    sep, cls = ((token, vocabulary[token]) for token in _ends(special))
    tokenizer.post_processor = processors.RobertaProcessing(sep, cls, add_prefix_space=spaced)
    _add_tokens(tokenizer, special, options)
    return tokenizer


def _special_tokens(
    options: Options,
    defaults: Mapping[str, str],
    *,
    vocabulary: Mapping[str, int],
    file: Path,
) -> dict[str, AddedToken]:
    """The special tokens that the vocabulary has.

    Raises:
        CheckpointError: it lacks one that no text can do without.
    """
    special = {key: _token(options.get(key) or default) for key, default in defaults.items()}
    for key in ("unk_token", "sep_token", "cls_token"):
        if special[key].content not in vocabulary:
            raise CheckpointError(f"{file} lacks the {key} {special[key].content!r}")
    return {key: token for key, token in special.items() if token.content in vocabulary}


def _ends(special: Mapping[str, AddedToken]) -> tuple[str, str]:
    return special["sep_token"].content, special["cls_token"].content


def _add_tokens(
    tokenizer: tokenizers.Tokenizer, special: Mapping[str, AddedToken], options: Options
) -> None:
    """Add the special tokens, and those that were added in fine-tuning, in order of their ids."""
    tokenizer.add_special_tokens(list(special.values()))
    added = options.get("added_tokens_decoder") or {}
    for index, stated in sorted(added.items(), key=lambda pair: int(pair[0])):
        token = _token(stated)
        if tokenizer.token_to_id(token.content) is None:
            tokenizer.add_tokens([token])
        if tokenizer.token_to_id(token.content) != int(index):
            raise CheckpointError(
                f"tokenizer_config.json gives the token {token.content!r} the id {index}, but it "
                f"gets {tokenizer.token_to_id(token.content)} from the vocabulary"
            )


def _token(stated: str | Mapping[str, Any]) -> AddedToken:
    if isinstance(stated, str):
        return AddedToken(stated, normalized=False, special=True)
    flags = ("single_word", "lstrip", "rstrip", "normalized", "special")
    return AddedToken(
        str(stated["content"]), **{flag: bool(stated[flag]) for flag in flags if flag in stated}
    )


def _read_object(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except ValueError as error:
        raise CheckpointError(f"{file} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{file} is not a JSON object")
    return content


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except ValueError as error:
        raise CheckpointError(f"{file} is not UTF-8 text") from error
