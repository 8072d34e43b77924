"""Ids, origins and windows equal those of transformers, on texts that break careless tokenizers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from tests.tokenizing import KINDS, PAIRS, PIECES, TEXTS, loaded, vocabulary

from goldcrest.text.vocabulary import build_tokenizer
from goldcrest.values import EncodeOptions, Encoding

transformers = pytest.importorskip("transformers")

pytestmark = pytest.mark.parity

FAMILIES = [*KINDS, "mpnet"]
LONG = (
    "very long, naïve contexts 😀 of 12 words that go on and on, <mask> and\tnever [MASK] end! " * 6
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A folder per family, without a ``tokenizer.json``."""
    root = tmp_path_factory.mktemp("families")
    return {family: vocabulary(root / family, family) for family in (*FAMILIES, *PIECES)}


def theirs(folder) -> Any:
    return transformers.AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_part_of_a_tokenizer_is_the_same(folders, family):
    expected = json.loads(theirs(folders[family]).backend_tokenizer.to_str())
    real = json.loads(build_tokenizer(folders[family]))

    assert expected == real


@pytest.mark.parametrize("stored", [True, False], ids=["tokenizer.json", "vocabulary"])
@pytest.mark.parametrize("family", FAMILIES)
def test_ids_of_a_text_are_the_same(tmp_path, family, stored):
    folder = vocabulary(tmp_path, family)
    if stored:
        (folder / "tokenizer.json").write_text(build_tokenizer(folder))
    ours, reference = loaded(folder), theirs(folder)

    expected = [reference(text, truncation=True, max_length=128)["input_ids"] for text in TEXTS]

    assert expected == [ours.encode(text).ids.tolist() for text in TEXTS]


@pytest.mark.parametrize("family", ["bert", "roberta", "mpnet"])
@pytest.mark.parametrize("limit", [5, 6, 7, 8, 9, 16, 33, 128])
def test_cut_pairs_are_the_same(folders, family, limit):
    ours, reference = loaded(folders[family]), theirs(folders[family])

    for pair in PAIRS:
        expected = reference(*pair, truncation=True, max_length=limit, return_token_type_ids=True)
        real = ours.encode(pair, EncodeOptions(max_length=limit))
        assert expected["input_ids"] == real.ids.tolist()
        assert expected["token_type_ids"] == real.token_types.tolist()


@pytest.mark.parametrize("limit", [3, 4, 10, 100])
def test_cut_texts_are_the_same(folders, limit):
    ours, reference = loaded(folders["bert"]), theirs(folders["bert"])

    for text in TEXTS:
        expected = reference(text, truncation=True, max_length=limit)["input_ids"]
        real = ours.encode(text, EncodeOptions(max_length=limit))
        np.testing.assert_array_equal(expected, real.ids)
        assert len(reference(text)["input_ids"]) == real.n_tokens + real.n_dropped


@pytest.mark.parametrize("family", ["bert", "roberta", "mpnet", *PIECES])
@pytest.mark.parametrize("spaced", [False, True])
def test_origins_are_the_same(tmp_path, family, spaced):
    folder = vocabulary(tmp_path, family, add_prefix_space=spaced)
    ours, reference = loaded(folder, keeps_origins=True), theirs(folder)

    for item in (*[(text[:500],) for text in TEXTS], *PAIRS):
        expected = reference(*item, truncation=True, max_length=40, return_offsets_mapping=True)
        real = ours.encode(item if len(item) == 2 else item[0], EncodeOptions(max_length=40))
        assert_same_origins(expected, 0, real)


@pytest.mark.parametrize("family", ["bert", "roberta", "mpnet", "albert", "xlm-roberta"])
@pytest.mark.parametrize(("limit", "stride"), [(20, 0), (20, 1), (32, 7), (33, 16), (90, 40)])
def test_windows_of_a_pair_are_the_same(folders, family, limit, stride):
    ours, reference = loaded(folders[family], keeps_origins=True), theirs(folders[family])
    options = EncodeOptions(max_length=limit, overflow="window", stride=stride)

    for context in (LONG, LONG[:70], "short"):
        pair = ("very good?", context)
        expected = reference(
            *pair,
            truncation="only_second",
            max_length=limit,
            stride=stride,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_token_type_ids=True,
        )
        real = ours.windows(pair, options)
        assert expected["input_ids"] == [window.ids.tolist() for window in real]
        if family in ("bert", "albert"):  # the others have one type; the library errs in theirs
            assert expected["token_type_ids"] == [window.token_types.tolist() for window in real]
        for number, window in enumerate(real):
            assert_same_origins(expected, number, window)


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_windows_of_a_text_are_the_same(folders, family):
    ours, reference = loaded(folders[family]), theirs(folders[family])
    options = EncodeOptions(max_length=30, overflow="window", stride=9)

    expected = reference(
        LONG, truncation=True, max_length=30, stride=9, return_overflowing_tokens=True
    )

    assert expected["input_ids"] == [one.ids.tolist() for one in ours.windows(LONG, options)]


@pytest.mark.parametrize("family", ["bert", "roberta", "mpnet", *PIECES])
def test_texts_of_ids_are_the_same(folders, family):
    ours, reference = loaded(folders[family]), theirs(folders[family])
    ids = reference("The film was very good, and I'd recommend it! 3.14")["input_ids"]

    for skip in (True, False):
        expected = reference.backend_tokenizer.decode(ids, skip_special_tokens=skip)
        assert expected == ours.decode(ids, skip_special=skip)


def assert_same_origins(expected: Any, number: int, real: Encoding) -> None:
    """Compare with what transformers says of one of its windows."""
    encoding = expected.encodings[number]
    assert real.origins is not None
    assert [list(pair) for pair in encoding.offsets] == real.origins.offsets.tolist()
    assert numbers(expected.word_ids(number)) == real.origins.words.tolist()
    assert numbers(expected.sequence_ids(number)) == real.origins.texts.tolist()


def numbers(found: list[int | None]) -> list[int]:
    return [-1 if one is None else one for one in found]
