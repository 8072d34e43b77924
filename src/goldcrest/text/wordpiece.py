"""WordPiece from ``vocab.txt``: BERT and what shares its form, and MPNet."""

from __future__ import annotations

from pathlib import Path

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from goldcrest.errors import UnsupportedModel
from goldcrest.text.options import Options, read_text
from goldcrest.text.special import BERT, MPNET, add_tokens, named_tokens

_OTHERS = {
    "BertJapaneseTokenizer",
    "BertweetTokenizer",
    "FunnelTokenizer",
    "PhobertTokenizer",
    "RoFormerTokenizer",
}
"""Classes that read a ``vocab.txt`` too, but cut texts or join pairs in another way."""


def word_pieces(file: Path, options: Options, *, name: str) -> tokenizers.Tokenizer:
    """The tokenizer of a ``vocab.txt``.

    Args:
        file: a token per line.
        options: as `read_options` gives them.
        name: the tokenizer's class, empty where unknown.

    Raises:
        CheckpointError: the file lacks a special token.
        UnsupportedModel: the class cuts texts in another way.
    """
    if name in _OTHERS:
        raise UnsupportedModel(f"{file} is for {name}, which is not a WordPiece tokenizer we have")
    # the library drops spaces at the ends of lines too
    lines = [line.rstrip() for line in read_text(file).removesuffix("\n").split("\n")]
    vocabulary = {token: index for index, token in enumerate(lines)}
    defaults = MPNET if name == "MPNetTokenizer" else BERT
    special = named_tokens(options, defaults, vocabulary=vocabulary, file=file)
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
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    sep, cls = (
        (special[key].content, vocabulary[special[key].content])
        for key in ("sep_token", "cls_token")
    )
    tokenizer.post_processor = (
        processors.RobertaProcessing(sep, cls, trim_offsets=True, add_prefix_space=False)
        if defaults is MPNET
        else template(cls, sep)
    )
    add_tokens(tokenizer, special, options)
    return tokenizer


def template(cls: tuple[str, int], sep: tuple[str, int]) -> processors.TemplateProcessing:
    """BERT's frame for a text and a pair; each special token with its id."""
    return processors.TemplateProcessing(
        single=[cls[0], "$A", sep[0]],
        pair=[cls[0], "$A", sep[0], "$B:1", f"{sep[0]}:1"],
        special_tokens=[cls, sep],
    )
