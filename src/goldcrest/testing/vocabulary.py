"""Small vocabularies made in code, in the files that the Hub's tokenizers come in."""

from __future__ import annotations

import json
import string
from collections.abc import Mapping, Sequence
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

_WORDS = (
    "the a an and or but not no is was are be it this that i you he she we they of to in on at "
    "for with as from by very good bad great awful love hate like film book food service slow "
    "fast friendly rude happy sad angry calm wonderful terrible never again would recommend one "
    "two three time day night place people staff price quality worth money"
)
_ENDINGS = "ed ing er est ly ful less ness ment able un re dis"

Special = Mapping[str, str]
"""What a token is for -> the token, in the order of their ids."""

BERT: Special = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
MPNET: Special = {"cls": "<s>", "pad": "<pad>", "sep": "</s>", "unk": "[UNK]", "mask": "<mask>"}
ALBERT: Special = {**BERT, "pad": "<pad>", "unk": "<unk>"}
ROBERTA: Special = {**MPNET, "unk": "<unk>"}


def write_word_pieces(
    folder: Path,
    n_tokens: int,
    max_length: int,
    *,
    special: Special = BERT,
    name: str = "BertTokenizer",
) -> int:
    """Write ``vocab.txt`` and ``tokenizer_config.json`` of an uncased WordPiece tokenizer.

    Args:
        folder: where.
        n_tokens: filled up to with unused tokens; 0 for no more than there are.
        max_length: tokens that the model can take.
        special: the first tokens, and what each is for.
        name: the tokenizer's class.

    Returns:
        How many tokens there are.
    """
    letters = string.ascii_lowercase + string.digits
    tokens = [*special.values(), *string.punctuation, *letters]
    tokens += [f"##{letter}" for letter in letters]
    tokens += [word for word in _WORDS.split() if len(word) > 1]
    tokens += [f"##{piece}" for piece in _ENDINGS.split()]
    tokens = _filled(tokens, n_tokens, "[unused{}]")
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    _write_options(folder, name, max_length, do_lower_case=True)
    return len(tokens)


def write_byte_pairs(folder: Path, n_tokens: int, max_length: int) -> int:
    """Write ``vocab.json``, ``merges.txt`` and ``tokenizer_config.json`` of byte-level BPE.

    Arguments and result as for `write_word_pieces`.
    """
    merges = list(dict.fromkeys(pair for word in _WORDS.split() for pair in _merges(f"Ġ{word}")))
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokens += dict.fromkeys(left + right for left, right in merges)
    tokens = [*_filled(tokens, n_tokens - 1, "unused{}"), "<mask>"]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    lines = ["#version: 0.2", *(f"{left} {right}" for left, right in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _write_options(folder, "RobertaTokenizer", max_length, add_prefix_space=False)
    return len(tokens)


def write_unigrams(
    folder: Path,
    n_tokens: int,
    max_length: int,
    *,
    special: Special = ALBERT,
    name: str = "AlbertTokenizer",
) -> int:
    """Write ``tokenizer.json`` and ``tokenizer_config.json`` of an uncased Unigram tokenizer.

    Arguments and result as for `write_word_pieces`.
    """
    letters = string.ascii_lowercase + string.digits + string.punctuation + "▁"
    tokens = [*special.values(), *letters, *(f"▁{word}" for word in _WORDS.split())]
    tokens = _filled([*tokens, *_ENDINGS.split()], n_tokens, "unused{}")
    # The longer a piece, the likelier: whole words before their letters.
    scored = [(token, -10.0 / len(token)) for token in tokens]
    tokenizer = Tokenizer(models.Unigram(scored, tokens.index(special["unk"]), byte_fallback=False))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = _frame(special["cls"], special["sep"], tokens)
    tokenizer.add_special_tokens(list(special.values()))
    tokenizer.save(str(folder / "tokenizer.json"))
    named = {f"{use}_token": token for use, token in special.items()}
    _write_options(folder, name, max_length, **named)
    return len(tokens)


def _frame(cls: str, sep: str, tokens: Sequence[str]) -> processors.TemplateProcessing:
    """What stands around texts: a second separator between pairs where there are no types."""
    pair = f"{cls} $A {sep} $B:1 {sep}:1" if cls == "[CLS]" else f"{cls} $A {sep} {sep} $B {sep}"
    return processors.TemplateProcessing(
        single=f"{cls} $A {sep}",
        pair=pair,
        special_tokens=[(token, tokens.index(token)) for token in (cls, sep)],
    )


def _merges(word: str) -> list[tuple[str, str]]:
    """The merges that build a word from its left end, a letter at a time."""
    return [(word[:end], word[end]) for end in range(1, len(word))]


def _filled(tokens: list[str], n_tokens: int, unused: str) -> list[str]:
    if 0 < n_tokens < len(tokens):
        raise ValueError(f"vocab_size must be at least {len(tokens)}, not {n_tokens}")
    return tokens + [unused.format(index) for index in range(n_tokens - len(tokens))]


def _write_options(folder: Path, name: str, max_length: int, **options: object) -> None:
    content = {"tokenizer_class": name, "model_max_length": max_length, **options}
    (folder / "tokenizer_config.json").write_text(json.dumps(content), encoding="utf-8")
