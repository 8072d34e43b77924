"""Unigram from SentencePiece models: ids as transformers gives them for the same small models."""

from __future__ import annotations

import pytest
from tests.tokenizing import DATA, PIECES, loaded, vocabulary

from goldcrest.errors import CheckpointError, UnsupportedModel
from goldcrest.text.sentencepiece import read_pieces
from goldcrest.text.tokenizer import build_tokenizer, special_tokens

TEXT = "The ﬁlm was VERY good\u2019s"
GOLDEN = {
    "albert": [2, 25, 6, 27, 12, 22, 14, 15, 9, 5, 39, 24, 21, 7, 7, 18, 1, 9, 3],
    "camembert": [5, 8, 36, 35, 9, 30, 15, 25, 17, 18, 12, 8, 3, 24, 10, 10, 21, 3, 12, 6],
    "xlm-roberta": [0, 5, 33, 32, 6, 27, 12, 22, 14, 15, 9, 5, 3, 21, 7, 7, 18, 3, 9, 2],
}


@pytest.mark.parametrize("family", PIECES)
def test_ids_are_those_of_transformers(tmp_path, family):
    assert GOLDEN[family] == loaded(vocabulary(tmp_path, family)).encode(TEXT).ids.tolist()


@pytest.mark.parametrize(
    ("family", "mask_id", "n_ids"),
    [("albert", 4, 86), ("camembert", 89, 90), ("xlm-roberta", 86, 87)],
)
def test_the_mask_has_its_familys_id(tmp_path, family, mask_id, n_ids):
    folder = vocabulary(tmp_path, family)
    tokenizer = loaded(folder, mask=special_tokens(folder)["mask_token"])

    encoding = tokenizer.encode(f"a {tokenizer.mask} film")

    assert [mask_id] == encoding.ids[encoding.picks].tolist()
    assert n_ids == tokenizer.n_ids


@pytest.mark.parametrize(
    ("family", "types"), [("albert", [0, 0, 0, 1, 1]), ("xlm-roberta", [0, 0, 0, 0, 0, 0])]
)
def test_a_pair_is_framed_as_its_family_does(tmp_path, family, types):
    assert types == loaded(vocabulary(tmp_path, family)).encode(("a", "a")).token_types.tolist()


def test_offsets_are_those_of_the_text_before_it_was_normalised(tmp_path):
    encoding = loaded(vocabulary(tmp_path, "albert"), keeps_origins=True).encode("a ﬁlm")

    assert [[0, 0], [0, 1], [2, 3], [2, 3], [3, 4], [4, 5], [0, 0]] == (
        encoding.origins.offsets.tolist()
    )
    assert [-1, 0, 1, 1, 1, 1, -1] == encoding.origins.words.tolist()


def test_the_file_alone_says_enough(tmp_path):
    folder = vocabulary(tmp_path, "xlm-roberta")
    expected = build_tokenizer(folder)
    (folder / "config.json").unlink()
    (folder / "tokenizer_config.json").unlink()

    assert expected == build_tokenizer(folder)


def test_a_class_that_numbers_pieces_in_another_way_is_refused(tmp_path):
    folder = vocabulary(tmp_path, "albert", tokenizer_class="XLNetTokenizer")

    with pytest.raises(UnsupportedModel, match=r"is for XLNetTokenizer; we have AlbertTokenizer"):
        build_tokenizer(folder)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it holds no pieces"),
        (b"\x0a\xff\xff", "is no SentencePiece model"),
        (b"<html>not found</html>", "is no SentencePiece model"),
    ],
)
def test_a_file_that_is_no_model_is_named(tmp_path, content, reason):
    (tmp_path / "spiece.model").write_bytes(content)

    with pytest.raises(CheckpointError, match=reason):
        build_tokenizer(tmp_path)


def test_a_model_of_another_kind_is_refused(tmp_path):
    model = (DATA / "albert.model").read_bytes()
    (tmp_path / "spiece.model").write_bytes(model + b"\x12\x02\x18\x02")  # trainer: BPE

    with pytest.raises(UnsupportedModel, match="not of the kind Unigram"):
        build_tokenizer(tmp_path)


def test_a_broken_table_of_characters_is_named(tmp_path):
    model = (DATA / "albert.model").read_bytes()
    (tmp_path / "spiece.model").write_bytes(model + b"\x1a\x04\x12\x02ab")  # normalizer: two bytes

    with pytest.raises(CheckpointError, match="broken table of characters"):
        build_tokenizer(tmp_path)


def test_control_pieces_are_special_and_those_of_the_user_are_not():
    own = {token.content: token.special for token in read_pieces(DATA / "fairseq.model").own}

    assert {"<s>": True, "</s>": True, "<special>": False} == own
