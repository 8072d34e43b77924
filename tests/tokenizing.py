"""Texts that break careless tokenizers, and small vocabularies of every kind in a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from goldcrest.testing.vocabulary import write_byte_pairs, write_word_pieces
from goldcrest.text.tokenizer import Tokenizer, build_tokenizer

DATA = Path(__file__).parent / "data"

TEXTS = (
    "",
    " ",
    "   \t\n  ",
    "The film was VERY good; I'd recommend it!",
    "  two  spaces\tand\ttabs\r\nand lines\n",
    "naïve café Ünïcödé ÅNGSTRÖM ﬁne İstanbul ẞ",
    "emoji 😀👩‍👩‍👧‍👦🏳️‍🌈 and ☃",
    "中文字符 and 日本語 かな 한국어",
    "العربية עברית ภาษาไทย \u202eright to left\u202c \u200fmarks",
    "\x00\x07\x1b control \u200b\u200d\ufeff\u00ad characters \ufffd",
    "a" * 300,
    "a" * 100_000,
    "antidisestablishmentarianism" * 5,
    "[CLS] a literal [SEP] and [MASK][MASK] [PAD] [UNK]",
    "<s> a literal </s> and  <mask> <pad> <unk>",
    "before<mask>after  [MASK]  after <MASK> [mask]",
    "1234567890 3.14 1,000,000 50% $5 user@example.com https://example.com/?q=1&r=2",
    "don't can't we're they'll it's y'all ``quoted'' text",
    "....!!!???---___***",
    "\u2028 line \u2029 and \u0085 and \u3000 spaces \u00a0",
    "e\u0301 combining \u0928\u093f and math \U0001d518\U0001d52b\u210c Zalgo\u0335\u0321\u0344",
    "a literal ▁ and a ▁word, ## and ##word, Ġ and Ġword",
)
PAIRS = (("one two three", "four"), ("", "x"), ("very " * 30, "good " * 7), ("a b", "c " * 60))

KINDS = {
    "bert": ("BertTokenizer", write_word_pieces),
    "electra": ("ElectraTokenizer", write_word_pieces),
    "mobilebert": ("MobileBertTokenizer", write_word_pieces),
    "roberta": ("RobertaTokenizer", write_byte_pairs),
}
PIECES = {
    "albert": ("AlbertTokenizer", "spiece.model"),
    "camembert": ("CamembertTokenizer", "sentencepiece.bpe.model"),
    "xlm-roberta": ("XLMRobertaTokenizer", "sentencepiece.bpe.model"),
}


def vocabulary(folder: Path, family: str, **options: object) -> Path:
    """A folder with the tokenizer files of a family, tiny, and a config that names it."""
    folder.mkdir(parents=True, exist_ok=True)
    if family in PIECES:
        name, file = PIECES[family]
        layout = "albert" if family == "albert" else "fairseq"
        (folder / file).write_bytes((DATA / f"{layout}.model").read_bytes())
    elif family == "mpnet":
        name = "MPNetTokenizer"
        write_word_pieces(folder, 0, 128)
        _rename(folder / "vocab.txt", {"[PAD]": "<pad>", "[CLS]": "<s>", "[SEP]": "</s>"})
    else:
        name, write = KINDS[family]
        write(folder, 0, 128)
    write_json(folder / "config.json", {"model_type": family})
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": name, **options})
    return folder


def loaded(folder: Path, **given: Any) -> Any:
    """Our `Tokenizer` of a folder; untyped, since tests know what their encodings hold."""
    file = folder / "built.json"
    file.write_text(build_tokenizer(folder), encoding="utf-8")
    return Tokenizer.load(file, **{"max_length": 128, "has_token_types": True, **given})


def write_json(file: Path, content: object) -> None:
    file.write_text(json.dumps(content), encoding="utf-8")


def _rename(file: Path, names: dict[str, str]) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    renamed = [names.get(line, line) for line in lines if line != "[MASK]"]
    file.write_text("\n".join([*renamed, "<mask>"]) + "\n", encoding="utf-8")
