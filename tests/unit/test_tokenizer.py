"""Text to tokens: cut as promised, and never crashing on what a request may hold."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tests.tokenizing import loaded, vocabulary, write_json

from goldcrest.errors import (
    CheckpointError,
    CheckpointNotFound,
    EmptyInput,
    InputTooLong,
    InvalidRequest,
    UnsupportedModel,
)
from goldcrest.testing.checkpoint import random_checkpoint
from goldcrest.text.cutting import share_room
from goldcrest.text.tokenizer import Tokenizer, build_tokenizer, special_tokens
from goldcrest.values import EncodeOptions

LONG = "the film was very good " * 40


@pytest.fixture(scope="module")
def bert(tmp_path_factory) -> Path:
    return random_checkpoint(tmp_path_factory.mktemp("bert"), family="bert")


@pytest.fixture(scope="module")
def tokenizer(bert) -> Tokenizer:
    return Tokenizer.load(bert / "tokenizer.json", max_length=32, has_token_types=True)


def test_an_empty_text_yields_just_the_special_tokens(tokenizer):
    assert [2, 3] == tokenizer.encode("").ids.tolist()


def test_ids_and_token_types_are_int32(tokenizer):
    encoding = tokenizer.encode(("a", "b"))

    assert (np.int32, np.int32) == (encoding.ids.dtype, encoding.token_types.dtype)
    assert [0, 0, 0, 1, 1] == encoding.token_types.tolist()


def test_a_family_without_token_types_gets_none(bert):
    tokenizer = Tokenizer.load(bert / "tokenizer.json", max_length=32, has_token_types=False)

    assert tokenizer.encode(("a", "b")).token_types is None


def test_a_long_text_is_cut_to_the_models_limit_and_keeps_its_last_special_token(tokenizer):
    encoding = tokenizer.encode(LONG)

    assert (32, 170) == (encoding.n_tokens, encoding.n_dropped)
    assert 3 == encoding.ids[-1]


def test_a_limit_above_the_models_own_is_the_models_own(tokenizer):
    assert 32 == tokenizer.encode(LONG, EncodeOptions(max_length=1000)).n_tokens


def test_a_long_text_is_refused_where_cutting_is_forbidden(tokenizer):
    with pytest.raises(InputTooLong, match="item 4 has 202 tokens, more than the limit of 32"):
        tokenizer.encode(LONG, EncodeOptions(overflow="reject"), index=4)


@pytest.mark.parametrize(
    ("item", "max_length", "least"), [("a", 2, 3), (("a", "b"), 3, 4), ((5, 6), 0, 1)]
)
def test_a_limit_without_room_for_a_token_is_refused(tokenizer, item, max_length, least):
    with pytest.raises(InvalidRequest, match=f"is {max_length}, but must be at least {least}"):
        tokenizer.encode(item, EncodeOptions(max_length=max_length))


def test_token_ids_are_taken_as_they_are(tokenizer):
    encoding = tokenizer.encode((7, 5, 9))

    assert [7, 5, 9] == encoding.ids.tolist()
    assert [0, 0, 0] == encoding.token_types.tolist()


def test_token_ids_are_cut_at_the_right_end(tokenizer):
    encoding = tokenizer.encode(tuple(range(50)))

    assert (list(range(32)), 18) == (encoding.ids.tolist(), encoding.n_dropped)


@pytest.mark.parametrize(
    ("item", "error", "reason"),
    [
        ((), EmptyInput, "item 1 holds no token ids"),
        ((5, -1), InvalidRequest, "token id -1; ids go from 0 to 189"),
        ((5, 190), InvalidRequest, "token id 190"),
        ((5, 2**70), InvalidRequest, "neither a text"),
        ((True, False), InvalidRequest, "neither a text"),
        ((1.5, 2.0), InvalidRequest, "neither a text"),
        (("a", "b", "c"), InvalidRequest, "neither a text"),
        (("a", 1), InvalidRequest, "neither a text"),
        ("\ud800", InvalidRequest, "half a surrogate pair"),
        (("a", "b\udfff"), InvalidRequest, "half a surrogate pair"),
    ],
)
def test_an_item_that_is_none_is_refused(tokenizer, item, error, reason):
    with pytest.raises(error, match=reason):
        tokenizer.encode(item, index=1)


def test_truncation_and_padding_of_the_file_are_switched_off(bert, tmp_path):
    stored = tokenizers.Tokenizer.from_file(str(bert / "tokenizer.json"))
    stored.enable_truncation(4)
    stored.enable_padding(length=20)
    stored.save(str(tmp_path / "tokenizer.json"))

    tokenizer = Tokenizer.load(tmp_path / "tokenizer.json", max_length=32, has_token_types=False)

    assert 8 == tokenizer.encode("a b c d e f").n_tokens


@given(st.text(max_size=60), st.text(max_size=60), st.integers(4, 30))
def test_pairs_are_cut_as_the_tokenizers_library_does(tokenizer, bert, text, other, limit):
    reference = tokenizers.Tokenizer.from_file(str(bert / "tokenizer.json"))
    reference.enable_truncation(limit)

    encoding = tokenizer.encode((text, other), EncodeOptions(max_length=limit))

    expected = reference.encode(text, other)
    assert expected.ids == encoding.ids.tolist()
    assert expected.type_ids == encoding.token_types.tolist()


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 60))
def test_a_pair_fills_the_room_it_is_given_and_no_more(n_first, n_second, room):
    shares = share_room(n_first, n_second, room)

    assert min(n_first + n_second, room) == sum(shares)
    assert shares[0] <= n_first
    assert shares[1] <= n_second


def test_items_of_a_request_are_encoded_in_order(tokenizer):
    items = [
        f"good {'a ' * (index % 9)}" if index % 5 else (7, index % 190) for index in range(600)
    ]

    together = [windows[0].ids.tolist() for windows in tokenizer.encode_all(items)]

    assert [tokenizer.encode(item).ids.tolist() for item in items] == together


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("\ud800", "item 300 holds half a surrogate pair"),
        (("a", "b\udfff"), "item 300 holds half a surrogate pair"),
        ((), "item 300 holds no token ids"),
        ((5, 999), "item 300 holds the token id 999"),
        (([5], [6, 7]), "item 300 is neither a text, nor a pair of texts, nor"),
    ],
)
def test_an_item_of_a_request_that_is_none_is_named(tokenizer, wrong, reason):
    with pytest.raises(InvalidRequest, match=reason):
        tokenizer.encode_all(["a", (7, 8)] * 150 + [wrong, "b"])


def test_pieces_show_the_text_that_each_token_stands_for(tokenizer):
    assert [
        (2, "[CLS]", True, None, None),
        (41, "É", False, 0, 1),
        (tokenizer.ids("good")[0], "GOOD", False, 3, 7),
        (4, "[MASK]", False, 7, 13),
        (1, "😀", False, 13, 14),
        (3, "[SEP]", True, None, None),
    ] == tokenizer.pieces("É  GOOD[MASK]😀", add_special=True)


def test_pieces_without_special_tokens_are_the_text_alone(tokenizer):
    assert ["a", "b"] == [text for _, text, *_ in tokenizer.pieces("a b", add_special=False)]


def test_ids_of_a_text_have_no_special_tokens(tokenizer):
    assert tokenizer.encode("very good").ids[1:-1].tolist() == tokenizer.ids("very good")


def test_ids_become_a_text_again(tokenizer):
    ids = tokenizer.encode("the film was very good").ids.tolist()

    assert "the film was very good" == tokenizer.decode(ids)
    assert "[CLS] the film was very good [SEP]" == tokenizer.decode(ids, skip_special=False)


def test_a_token_is_written_as_the_vocabulary_does(tokenizer):
    assert ("[MASK]", "##a", "") == tuple(map(tokenizer.token, (4, 73, 100_000)))


@pytest.mark.parametrize(
    ("family", "continuation", "unknown"),
    [
        ("bert", "##", "[UNK]"),
        ("mpnet", "##", "[UNK]"),
        ("roberta", "", "<unk>"),
        ("albert", "", "<unk>"),
    ],
)
def test_a_head_may_ask_how_tokens_are_marked(tmp_path, family, continuation, unknown):
    tokenizer = loaded(vocabulary(tmp_path, family))

    assert (continuation, tokenizer.find(unknown)) == (tokenizer.continuation, tokenizer.unknown)
    assert tokenizer.find("no such token") is None


def test_tokens_are_joined_as_the_vocabulary_means(tokenizer):
    assert "the filmed" == tokenizer.join(["the", "film", "##ed"])


@pytest.mark.parametrize("ids", [[-1], [2**40], ["a"]])
def test_ids_that_are_none_have_no_text(tokenizer, ids):
    with pytest.raises(InvalidRequest, match="whole numbers from 0 to 189"):
        tokenizer.decode(ids)


@pytest.mark.parametrize("ask", [Tokenizer.ids, lambda t, x: t.pieces(x, add_special=True)])
def test_half_a_surrogate_pair_has_no_tokens(tokenizer, ask):
    with pytest.raises(InvalidRequest, match="half a surrogate pair"):
        ask(tokenizer, "\ud800")


def test_a_mask_that_the_tokenizer_lacks_is_refused(bert):
    with pytest.raises(CheckpointError, match="no mask token '<mask>'"):
        loaded(bert, mask="<mask>")


def test_a_text_of_no_tokens_at_all_is_refused(bert, tmp_path):
    content = json.loads((bert / "tokenizer.json").read_text()) | {"post_processor": None}
    write_json(tmp_path / "tokenizer.json", content)

    with pytest.raises(EmptyInput, match="item 2 holds no tokens"):
        loaded(tmp_path).encode(" ", index=2)


def test_threads_may_share_a_tokenizer(tokenizer):
    texts = [f"good {index} " * (index % 7) for index in range(200)]
    expected = [tokenizer.encode(text).ids.tolist() for text in texts]

    with ThreadPoolExecutor(4) as pool:
        real = list(pool.map(lambda text: tokenizer.encode(text).ids.tolist(), texts))

    assert expected == real


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_a_tokenizer_built_from_its_vocabulary_equals_the_stored_one(tmp_path, family):
    folder = random_checkpoint(tmp_path, family=family)
    stored = build_tokenizer(folder)
    (folder / "tokenizer.json").unlink()

    assert json.loads(stored) == json.loads(build_tokenizer(folder))


@pytest.mark.parametrize(
    ("options", "text", "expected"),
    [
        ({"do_lower_case": False}, "The", [2, 1, 3]),
        ({"do_lower_case": True, "strip_accents": False}, "é", [2, 1, 3]),
        ({"do_lower_case": True}, "é", [2, 41, 3]),
    ],
)
@pytest.mark.parametrize("stored", [True, False], ids=["tokenizer.json", "vocab.txt"])
def test_the_options_of_the_tokenizer_count(tmp_path, options, text, expected, stored):
    folder = random_checkpoint(tmp_path, family="bert")
    (folder / "tokenizer_config.json").write_text(json.dumps(options))
    if not stored:
        (folder / "tokenizer.json").unlink()

    content = build_tokenizer(folder)

    assert expected == tokenizers.Tokenizer.from_str(content).encode(text).ids


def test_sentence_transformers_may_lower_a_text_first(tmp_path):
    folder = random_checkpoint(tmp_path, family="roberta")
    (folder / "sentence_bert_config.json").write_text('{"do_lower_case": true}')

    tokenizer = tokenizers.Tokenizer.from_str(build_tokenizer(folder))

    assert tokenizer.encode("good").ids == tokenizer.encode("GOOD").ids


def test_tokens_added_in_fine_tuning_get_their_ids(tmp_path):
    folder = random_checkpoint(tmp_path, family="bert")
    (folder / "tokenizer.json").unlink()
    added = {"190": {"content": "<user>", "special": False}}
    (folder / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": added}))

    tokenizer = tokenizers.Tokenizer.from_str(build_tokenizer(folder))

    assert [2, 190, 3] == tokenizer.encode("<user>").ids


def test_an_added_token_that_cannot_have_its_id_is_refused(tmp_path):
    folder = random_checkpoint(tmp_path, family="bert")
    (folder / "tokenizer.json").unlink()
    added = {"999": {"content": "<user>"}}
    (folder / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": added}))

    with pytest.raises(CheckpointError, match="the id 999, but it gets 190"):
        build_tokenizer(folder)


def test_tokens_of_an_older_list_get_their_ids(tmp_path):
    folder = vocabulary(tmp_path, "bert")
    write_json(folder / "added_tokens.json", {"<user>": 190})

    assert [2, 190, 3] == loaded(folder).encode("<user>").ids.tolist()


def test_mpnet_frames_a_pair_with_two_separators(tmp_path):
    tokenizer = loaded(vocabulary(tmp_path, "mpnet"))

    ids = tokenizer.encode(("a", "b")).ids.tolist()

    assert ["<s>", "a", "</s>", "</s>", "b", "</s>"] == [tokenizer.token(one) for one in ids]


@pytest.mark.parametrize(
    ("family", "mask", "cls"),
    [
        ("bert", "[MASK]", "[CLS]"),
        ("roberta", "<mask>", "<s>"),
        ("mpnet", "<mask>", "<s>"),
        ("albert", "[MASK]", "[CLS]"),
        ("camembert", "<mask>", "<s>"),
    ],
)
@pytest.mark.parametrize("stored", [True, False], ids=["tokenizer.json", "vocabulary"])
def test_special_tokens_are_read_from_the_folder(tmp_path, family, mask, cls, stored):
    folder = vocabulary(tmp_path, family)
    if stored:
        (folder / "tokenizer.json").write_text(build_tokenizer(folder))
        (folder / "tokenizer_config.json").unlink()

    found = special_tokens(folder)

    assert (mask, cls) == (found["mask_token"], found["cls_token"])


def test_special_tokens_that_the_vocabulary_lacks_are_not_there(tmp_path):
    (tmp_path / "vocab.txt").write_text("[UNK]\n[CLS]\n[SEP]\nthe\n")

    assert {"unk_token", "cls_token", "sep_token"} == set(special_tokens(tmp_path))


def test_a_class_that_cuts_texts_in_another_way_is_refused(tmp_path):
    folder = vocabulary(tmp_path, "bert", tokenizer_class="BertJapaneseTokenizer")

    with pytest.raises(UnsupportedModel, match="is for BertJapaneseTokenizer"):
        build_tokenizer(folder)


def test_a_folder_without_a_tokenizer_says_what_is_missing(tmp_path):
    with pytest.raises(CheckpointNotFound, match=r"neither tokenizer\.json, nor vocab\.txt"):
        build_tokenizer(tmp_path)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"tokenizer.json": "{}"}, "cannot be read"),
        ({"tokenizer.json": "nope"}, "is not JSON"),
        ({"vocab.txt": "one\ntwo\n"}, "lacks the unk_token"),
        (
            {"vocab.json": '{"<s>": 0, "</s>": 1, "<unk>": 2}', "merges.txt": "a b\n"},
            r"merges\.txt does not fit",
        ),
    ],
)
def test_files_that_are_no_tokenizer_are_named(tmp_path, files, reason):
    for name, content in files.items():
        (tmp_path / name).write_text(content)

    with pytest.raises(CheckpointError, match=reason):
        build_tokenizer(tmp_path)


@pytest.mark.parametrize(("max_length", "item"), [(1, "a"), (2, "a b"), (3, ("a", "b"))])
def test_a_model_without_room_for_a_token_refuses_rather_than_exceeds_its_limit(
    tmp_path, max_length, item
):
    short = loaded(vocabulary(tmp_path, "bert"), max_length=max_length)

    with pytest.raises(InvalidRequest, match=f"max_length is {max_length}, but must be at least"):
        short.encode(item)
