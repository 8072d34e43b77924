"""Byte-level BPE from ``vocab.json`` and ``merges.txt``: RoBERTa and what shares its form."""

from __future__ import annotations

from pathlib import Path

import tokenizers
from tokenizers import decoders, models, pre_tokenizers, processors

from goldcrest.errors import CheckpointError
from goldcrest.text.options import Options, read_object, read_text
from goldcrest.text.special import ROBERTA, add_tokens, named_tokens


def byte_pairs(folder: Path, options: Options) -> tokenizers.Tokenizer:
    """The tokenizer of a folder with both files.

    Raises:
        CheckpointError: the files do not fit together, or lack a special token.
    """
    file = folder / "vocab.json"
    vocabulary = read_object(file)
    lines = read_text(folder / "merges.txt").split("\n")
    pairs = [line.split(" ") for line in lines if line and not line.startswith("#version")]
    special = named_tokens(options, ROBERTA, vocabulary=vocabulary, file=file)
    try:
        merges = [(left, right) for left, right in pairs]
        tokenizer = tokenizers.Tokenizer(
            models.BPE(vocabulary, merges, continuing_subword_prefix="", end_of_word_suffix="")
        )
    except Exception as error:  # the library raises Exception itself
        raise CheckpointError(f"{folder}/merges.txt does not fit vocab.json: {error}") from error
    spaced = bool(options.get("add_prefix_space", False))
    trimmed = bool(options.get("trim_offsets", True))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=spaced)
    tokenizer.decoder = decoders.ByteLevel()
    sep, cls = (
        (special[key].content, vocabulary[special[key].content])
        for key in ("sep_token", "cls_token")
    )
    tokenizer.post_processor = processors.RobertaProcessing(
        sep, cls, trim_offsets=trimmed, add_prefix_space=spaced
    )
    add_tokens(tokenizer, special, options)
    return tokenizer
