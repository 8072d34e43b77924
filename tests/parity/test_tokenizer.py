"""Token ids equal those of transformers, on texts that break careless tokenizers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from goldcrest.testing.checkpoint import random_checkpoint
from goldcrest.text.tokenizer import Tokenizer, build_tokenizer
from goldcrest.values import EncodeOptions

transformers = pytest.importorskip("transformers")

pytestmark = pytest.mark.parity

TEXTS = (
    "",
    " ",
    "The film was VERY good; I'd recommend it!",
    "  two  spaces\tand\ttabs\r\nand lines\n",
    "naïve café Ünïcödé ÅNGSTRÖM ﬁne İstanbul ẞ",
    "emoji 😀👩‍👩‍👧‍👦🏳️‍🌈 and ☃",
    "中文字符 and 日本語 かな 한국어",
    "العربية עברית ภาษาไทย",
    "\x00\x07\x1b control \u200b\u200d\ufeff\u00ad characters \ufffd",
    "a" * 300,
    "antidisestablishmentarianism" * 5,
    "[CLS] a literal [SEP] and [MASK][MASK] [PAD] [UNK]",
    "<s> a literal </s> and  <mask> <pad> <unk>",
    "1234567890 3.14 1,000,000 50% $5 user@example.com https://example.com/?q=1&r=2",
    "don't can't we're they'll it's y'all",
    "....!!!???---___***",
    "\u2028 line \u2029 and \u0085 and \u3000 spaces \u00a0",
    "e\u0301 combining \u0928\u093f and math \U0001d518\U0001d52b\u210c",
)
PAIRS = (("one two three", "four"), ("", "x"), ("very " * 30, "good " * 7), ("a b", "c " * 60))


def made(tmp_path: Path, family, *, stored: bool, **options: object):
    """Our tokenizer and theirs, over the same files."""
    folder = random_checkpoint(tmp_path / "model", family=family)
    text = build_tokenizer(folder)
    if not stored:
        (folder / "tokenizer.json").unlink()
        text = build_tokenizer(folder)
    (tmp_path / "tokenizer.json").write_text(text)
    ours = Tokenizer.load(
        tmp_path / "tokenizer.json", max_length=128, has_token_types=family == "bert"
    )
    return ours, transformers.AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("stored", [True, False], ids=["tokenizer.json", "vocabulary"])
@pytest.mark.parametrize("family", ["distilbert", "bert", "roberta"])
def test_ids_of_a_text_equal_those_of_transformers(tmp_path, family, stored):
    ours, theirs = made(tmp_path, family, stored=stored)

    expected = [theirs(text, truncation=True, max_length=128)["input_ids"] for text in TEXTS]

    assert expected == [ours.encode(text).ids.tolist() for text in TEXTS]


@pytest.mark.parametrize("family", ["bert", "roberta"])
@pytest.mark.parametrize("limit", [4, 5, 6, 7, 9, 16, 33, 128])
def test_cut_pairs_equal_those_of_transformers(tmp_path, family, limit):
    ours, theirs = made(tmp_path, family, stored=True)
    limit += family == "roberta"  # it has one more special token

    for pair in PAIRS:
        expected = theirs(*pair, truncation=True, max_length=limit, return_token_type_ids=True)
        real = ours.encode(pair, EncodeOptions(max_length=limit))
        assert expected["input_ids"] == real.ids.tolist()
        if real.token_types is not None:
            assert expected["token_type_ids"] == real.token_types.tolist()


@pytest.mark.parametrize("limit", [3, 4, 10, 100])
def test_cut_texts_equal_those_of_transformers(tmp_path, limit):
    ours, theirs = made(tmp_path, "bert", stored=True)

    for text in TEXTS:
        expected = theirs(text, truncation=True, max_length=limit)["input_ids"]
        real = ours.encode(text, EncodeOptions(max_length=limit))
        np.testing.assert_array_equal(expected, real.ids)
        assert len(theirs(text)["input_ids"]) == real.n_tokens + real.n_dropped
