"""Unigram from a SentencePiece ``.model``: ALBERT, XLM-RoBERTa and CamemBERT.

The file is a protobuf message. Its fields are described here as far as they are read, in a pool of
our own; numbers from https://github.com/google/sentencepiece (src/sentencepiece_model.proto).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import tokenizers
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, processors

from goldcrest.errors import CheckpointError, UnsupportedModel
from goldcrest.text.options import Options
from goldcrest.text.special import (
    ALBERT,
    CAMEMBERT,
    ROBERTA,
    Stated,
    add_tokens,
    content,
    named_tokens,
)
from goldcrest.text.wordpiece import template

_UNIGRAM = 1
_CONTROL, _USER_DEFINED = 3, 4

Scored = tuple[str, float]
"""A piece and the logarithm of its probability."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """What a ``.model`` file holds.

    Attributes:
        scored: in the order of their ids.
        own: those that a text is searched for whole.
        charmap: how characters are normalised, as SentencePiece compiled it; empty for not at all.
    """

    scored: tuple[Scored, ...]
    own: tuple[AddedToken, ...]
    charmap: bytes


def sentence_pieces(file: Path, options: Options, *, name: str) -> tokenizers.Tokenizer:
    """The tokenizer of a SentencePiece model.

    Args:
        file: ``spiece.model`` or ``sentencepiece.bpe.model``.
        options: as `read_options` gives them.
        name: the tokenizer's class; empty for the one that such a file usually belongs to.

    Raises:
        CheckpointError: the file is no such model, or lacks a special token.
        UnsupportedModel: the class, or the kind of the model, is not one we have.
    """
    made = {
        "AlbertTokenizer": _albert,
        "CamembertTokenizer": _camembert,
        "XLMRobertaTokenizer": _xlm_roberta,
    }
    name = name or ("AlbertTokenizer" if file.name == "spiece.model" else "XLMRobertaTokenizer")
    if name not in made:
        raise UnsupportedModel(f"{file} is for {name}; we have {', '.join(sorted(made))}")
    return made[name](read_pieces(file), options, file)


def read_pieces(file: Path) -> Pieces:
    """Read a model.

    Raises:
        CheckpointError: the file is no SentencePiece model.
        UnsupportedModel: it is one of another kind than Unigram.
    """
    model = _message()()
    try:
        model.ParseFromString(file.read_bytes())
    except DecodeError as error:
        raise CheckpointError(f"{file} is no SentencePiece model: {error}") from error
    if not model.pieces:
        raise CheckpointError(f"{file} is no SentencePiece model: it holds no pieces")
    if model.trainer.model_type != _UNIGRAM:
        raise UnsupportedModel(f"{file} is a SentencePiece model, but not of the kind Unigram")
    return Pieces(
        tuple((one.piece, one.score) for one in model.pieces),
        tuple(
            AddedToken(one.piece, normalized=False, special=one.type == _CONTROL)
            for one in model.pieces
            if one.type in (_CONTROL, _USER_DEFINED)
        ),
        model.normalizer.precompiled_charsmap,
    )


def _albert(pieces: Pieces, options: Options, file: Path) -> tokenizers.Tokenizer:
    vocabulary = _ids(pieces.scored)
    special = named_tokens(options, ALBERT, vocabulary=vocabulary, file=file)
    steps: list[normalizers.Normalizer] = [
        normalizers.Replace("``", '"'),
        normalizers.Replace("''", '"'),
    ]
    if not options.get("keep_accents", False):
        steps += [normalizers.NFKD(), normalizers.StripAccents()]
    if options.get("do_lower_case", True):
        steps.append(normalizers.Lowercase())
    steps += _charmap(pieces, file)
    tokenizer = _unigram(pieces.scored, vocabulary[special["unk_token"].content], options)
    tokenizer.normalizer = normalizers.Sequence(steps)
    cls, sep = (
        (special[key].content, vocabulary[special[key].content])
        for key in ("cls_token", "sep_token")
    )
    tokenizer.post_processor = template(cls, sep)
    add_tokens(tokenizer, special, options, own=pieces.own)
    return tokenizer


def _xlm_roberta(pieces: Pieces, options: Options, file: Path) -> tokenizers.Tokenizer:
    first = [(_called(key, options), 0.0) for key in ("bos", "pad", "eos", "unk")]
    # SentencePiece numbers <unk>, <s> and </s> first, and knows no <pad>
    return _fairseq(pieces, options, file, first=[*first, *pieces.scored[3:]], names=ROBERTA)


def _camembert(pieces: Pieces, options: Options, file: Path) -> tokenizers.Tokenizer:
    pad, unk = ((_called(key, options), 0.0) for key in ("pad", "unk"))
    first = [("<s>NOTUSED", 0.0), pad, ("</s>NOTUSED", 0.0), unk, ("<unk>NOTUSED", -100.0)]
    return _fairseq(pieces, options, file, first=[*first, *pieces.scored[1:]], names=CAMEMBERT)


def _fairseq(
    pieces: Pieces,
    options: Options,
    file: Path,
    *,
    first: Sequence[Scored],
    names: Mapping[str, Stated],
) -> tokenizers.Tokenizer:
    """The tokenizer whose ids are fairseq's: its own tokens first, then the pieces, then the mask.

    Raises:
        CheckpointError: the vocabulary lacks a special token.
    """
    scored = [*first, (_called("mask", options), 0.0)]
    vocabulary = _ids(scored)
    special = named_tokens(options, names, vocabulary=vocabulary, file=file)
    tokenizer = _unigram(scored, vocabulary[special["unk_token"].content], options)
    for step in _charmap(pieces, file):
        tokenizer.normalizer = step
    bos, eos = (special[key].content for key in ("bos_token", "eos_token"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=[bos, "$A", eos],
        pair=[bos, "$A", eos, eos, "$B", eos],
        special_tokens=[(token, vocabulary[token]) for token in (bos, eos)],
    )
    add_tokens(tokenizer, special, options, own=pieces.own)
    return tokenizer


def _unigram(scored: Sequence[Scored], unk_id: int, options: Options) -> tokenizers.Tokenizer:
    tokenizer = tokenizers.Tokenizer(models.Unigram(list(scored), unk_id, byte_fallback=False))
    scheme = "always" if options.get("add_prefix_space", True) else "never"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Metaspace(replacement="▁", prepend_scheme=scheme),
        ]
    )
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme=scheme)
    return tokenizer


def _charmap(pieces: Pieces, file: Path) -> list[normalizers.Normalizer]:
    """The step that normalises characters, if there is one."""
    if not pieces.charmap:
        return []
    try:
        return [normalizers.Precompiled(pieces.charmap)]
    except Exception as error:  # the library raises Exception itself
        raise CheckpointError(f"{file} holds a broken table of characters: {error}") from error


def _called(key: str, options: Options) -> str:
    return content(options.get(f"{key}_token") or ROBERTA[f"{key}_token"])


def _ids(scored: Sequence[Scored]) -> dict[str, int]:
    return {piece: index for index, (piece, _) in enumerate(scored)}


@cache
def _message() -> Any:
    """The class of the protobuf message, without what we do not read."""
    text, number, real, raw, nested = (
        getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{name}")
        for name in ("STRING", "INT32", "FLOAT", "BYTES", "MESSAGE")
    )
    fields = {
        "Model": [("pieces", 1, nested), ("trainer", 2, nested), ("normalizer", 3, nested)],
        "Pieces": [("piece", 1, text), ("score", 2, real), ("type", 3, number)],
        "Trainer": [("model_type", 3, number)],
        "Normalizer": [("precompiled_charsmap", 2, raw)],
    }
    file = descriptor_pb2.FileDescriptorProto(name="pieces.proto", package="goldcrest")
    for message, described in fields.items():
        one = file.message_type.add(name=message)
        for name, place, kind in described:
            field = one.field.add(name=name, number=place, type=kind)
            field.label = field.LABEL_REPEATED if name == "pieces" else field.LABEL_OPTIONAL
            if kind == nested:
                field.type_name = f".goldcrest.{name.capitalize()}"
            if name == "model_type":
                field.default_value = str(_UNIGRAM)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("goldcrest.Model"))
