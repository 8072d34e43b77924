"""Tokenizers from SentencePiece models are those that transformers makes of the same files."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from tests.tokenizing import PAIRS, PIECES, TEXTS, loaded, vocabulary, write_json

from goldcrest.text.vocabulary import build_tokenizer
from goldcrest.values import EncodeOptions

transformers = pytest.importorskip("transformers")
sentencepiece = pytest.importorskip("sentencepiece")

pytestmark = pytest.mark.parity

LAYOUTS: dict[str, dict[str, Any]] = {
    "albert": {"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1}
    | {"control_symbols": ["[CLS]", "[SEP]", "[MASK]"]},
    "camembert": {"user_defined_symbols": ["<special>"]},
    "xlm-roberta": {},
}

SPACED = {"lstrip": True, "rstrip": False, "single_word": False, "normalized": False}
MARK = {"__type": "AddedToken"}


@pytest.fixture(scope="module", params=["stored", "trained"])
def models(request, tmp_path_factory):
    """A folder per family: with the small model of the tests, or one with all of NFKC."""
    folder = tmp_path_factory.mktemp(request.param)
    for family, (_, file) in PIECES.items():
        vocabulary(folder / family, family)
        if request.param == "trained":
            (folder / family / file).write_bytes(trained(**LAYOUTS[family]))
    return folder


def trained(**layout: Any) -> bytes:
    """A SentencePiece model of 300 pieces, trained on the texts of the tests."""
    lines = [line for text in TEXTS for line in text[:300].splitlines() if "\x00" not in line]
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines * 3),
        model_writer=written,
        model_type="unigram",
        vocab_size=300,
        hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc",
        num_threads=1,
        minloglevel=2,
        **layout,
    )
    return written.getvalue()


def theirs(folder: Path) -> Any:
    return transformers.AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("family", PIECES)
def test_every_part_of_the_tokenizer_is_the_same(models, family):
    folder = models / family

    expected = theirs(folder).backend_tokenizer.to_str()

    assert json.loads(expected) == json.loads(build_tokenizer(folder))


@pytest.mark.parametrize(
    ("family", "options"),
    [
        ("albert", {"keep_accents": True, "do_lower_case": False}),
        ("albert", {"mask_token": SPACED | MARK | {"content": "[MASK]"}}),
        ("xlm-roberta", {"mask_token": SPACED | MARK | {"content": "<mask>"}}),
        ("camembert", {"additional_special_tokens": ["<mask>"]}),
        (
            "camembert",
            {
                "additional_special_tokens": ["<special>"],
                "added_tokens_decoder": {"7": SPACED | {"content": "<special>"}},
            },
        ),
        ("xlm-roberta", {"add_prefix_space": False}),
        ("camembert", {"additional_special_tokens": ["<s>NOTUSED", "</s>NOTUSED"]}),
    ],
)
def test_options_count_as_in_transformers(tmp_path, family, options):
    folder = vocabulary(tmp_path, family, **options)

    expected = theirs(folder).backend_tokenizer.to_str()

    assert json.loads(expected) == json.loads(build_tokenizer(folder))


def test_tokens_added_in_fine_tuning_count_as_in_transformers(tmp_path):
    size = len(theirs(vocabulary(tmp_path, "xlm-roberta")))
    added = {
        str(size - 1): {"content": "<mask>", "special": True, **SPACED},
        str(size): {"content": "<user>", "special": False, **SPACED},
    }
    folder = vocabulary(tmp_path, "xlm-roberta", added_tokens_decoder=added)

    expected = theirs(folder).backend_tokenizer.to_str()

    assert json.loads(expected) == json.loads(build_tokenizer(folder))


@pytest.mark.parametrize("family", PIECES)
def test_ids_and_types_are_the_same(models, family):
    folder = models / family
    ours = loaded(folder)

    for item in (*[(text,) for text in TEXTS], *PAIRS):
        given = item if len(item) == 2 else item[0]
        expected = theirs(folder)(
            *item, truncation=True, max_length=128, return_token_type_ids=True
        )
        real = ours.encode(given, EncodeOptions(max_length=128))
        assert expected["input_ids"] == real.ids.tolist()
        assert expected["token_type_ids"] == real.token_types.tolist()


@pytest.mark.parametrize("family", PIECES)
def test_texts_of_ids_are_the_same(models, family):
    ours, reference = loaded(models / family), theirs(models / family)
    ids = reference("The film was <special> good, and I'd recommend it! 3.14")["input_ids"]

    for skip in (True, False):
        expected = reference.decode(ids, skip_special_tokens=skip)
        assert expected == ours.decode(ids, skip_special=skip)


def test_older_lists_of_tokens_count_as_in_transformers(tmp_path):
    folder = vocabulary(tmp_path, "xlm-roberta")
    size = len(theirs(folder))
    write_json(folder / "added_tokens.json", {"<user>": size})
    mask = SPACED | {"content": "<mask>", "normalized": True}
    write_json(folder / "special_tokens_map.json", {"mask_token": mask})

    expected = theirs(folder).backend_tokenizer.to_str()

    assert json.loads(expected) == json.loads(build_tokenizer(folder))
