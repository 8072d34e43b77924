"""The special tokens of a tokenizer: what they are called, and how a text is searched for them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import AddedToken

from goldcrest.errors import CheckpointError
from goldcrest.text.options import Options

Stated = str | Mapping[str, Any]
"""A token in a file: its content, or an object with that and how it is matched."""

BERT: Mapping[str, Stated] = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}
ALBERT = {**BERT, "unk_token": "<unk>", "pad_token": "<pad>"}
ROBERTA: Mapping[str, Stated] = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "cls_token": "<s>",
    "mask_token": "<mask>",
}
CAMEMBERT = {**ROBERTA, "mask_token": {"content": "<mask>", "lstrip": True}}
MPNET = {**CAMEMBERT, "unk_token": "[UNK]"}

_FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")


def named_tokens(
    options: Options,
    defaults: Mapping[str, Stated],
    *,
    vocabulary: Mapping[str, int],
    file: Path,
) -> dict[str, AddedToken]:
    """The special tokens that the vocabulary has, by key, such as "mask_token".

    Args:
        options: may name others than the defaults.
        defaults: what the family calls them.
        vocabulary: token -> id.
        file: of the vocabulary, for messages.

    Raises:
        CheckpointError: the vocabulary lacks one that no text can do without.
    """
    added = {content(stated): stated for stated in _listed(options).values()}
    named = {key: _named(options.get(key) or "", default) for key, default in defaults.items()}
    named = {key: added.get(content(stated), stated) for key, stated in named.items()}
    for key in ("unk_token", "sep_token", "cls_token"):
        if content(named[key]) not in vocabulary:
            raise CheckpointError(f"{file} lacks the {key} {content(named[key])!r}")
    return {
        key: as_token(stated, special=True)
        for key, stated in named.items()
        if content(stated) in vocabulary
    }


def add_tokens(
    tokenizer: tokenizers.Tokenizer,
    special: Mapping[str, AddedToken],
    options: Options,
    *,
    own: Iterable[AddedToken] = (),
) -> None:
    """Let a tokenizer find special tokens, and those added in fine-tuning, whole in a text.

    Args:
        tokenizer: complete but for them.
        special: as `named_tokens` gives them.
        options: may list tokens that were added, with their ids, and further special ones.
        own: those of the vocabulary itself, where the options name no further ones.

    Raises:
        CheckpointError: a token cannot have the id that the options give it.
    """
    tokenizer.add_tokens(list(special.values()))
    listed = {content(stated) for stated in _listed(options).values()}
    _add_listed(tokenizer, options, known={token.content for token in special.values()})
    # as in transformers, the last word on how a token is matched is theirs, unless it is listed
    stated = _further(options)
    further = [as_token(one, special=True) for one in stated if content(one) not in listed]
    for token in further if stated else own:
        if tokenizer.token_to_id(token.content) is not None:
            tokenizer.add_tokens([token])


def as_token(stated: Stated, *, special: bool = False) -> AddedToken:
    """A token as the library takes it; ``special`` holds whatever was stated."""
    if isinstance(stated, str):
        return AddedToken(stated, normalized=False, special=True)
    flags = {flag: bool(stated[flag]) for flag in _FLAGS if flag in stated}
    return AddedToken(content(stated), **flags | ({"special": True} if special else {}))


def content(stated: Stated) -> str:
    """The token itself."""
    return stated if isinstance(stated, str) else str(stated["content"])


def _add_listed(
    tokenizer: tokenizers.Tokenizer, options: Options, *, known: Container[str]
) -> None:
    """Add the tokens that are listed with their ids, in order of those."""
    for index, stated in sorted(_listed(options).items(), key=lambda pair: int(pair[0])):
        token = as_token(stated)
        if token.content not in known:
            tokenizer.add_tokens([token])
        if tokenizer.token_to_id(token.content) != int(index):
            raise CheckpointError(
                f"tokenizer_config.json gives the token {token.content!r} the id {index}, but it "
                f"gets {tokenizer.token_to_id(token.content)} from the vocabulary"
            )


def _named(stated: Stated, default: Stated) -> Stated:
    """A token that is stated by its content alone is matched like the default."""
    if not stated:
        return default
    if isinstance(stated, str) and not isinstance(default, str):
        return {**default, "content": stated}
    return stated


def _listed(options: Options) -> Mapping[str, Stated]:
    return options.get("added_tokens_decoder") or {}


def _further(options: Options) -> list[Stated]:
    stated = options.get("extra_special_tokens") or options.get("additional_special_tokens") or []
    return list(stated.values() if isinstance(stated, Mapping) else stated)
