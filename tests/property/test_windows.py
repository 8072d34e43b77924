"""What windows must hold to, whatever the text, the limit and the stride."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tokenizing import loaded, vocabulary

from goldcrest.text.cutting import window_bounds
from goldcrest.values import EncodeOptions

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
questions = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
spelled = st.lists(st.sampled_from(["good", "film", "x", "[MASK]", "é", "😀"]), max_size=40)

UNKNOWN = 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return vocabulary(tmp_path_factory.mktemp("bert"), "bert")


@pytest.fixture(scope="module")
def tokenizer(folder):
    return loaded(folder, max_length=512, keeps_origins=True)


@pytest.fixture(scope="module")
def masking(folder):
    return loaded(folder, max_length=512, mask="[MASK]")


@given(st.integers(1, 300), st.integers(1, 40), st.data())
def test_bounds_cover_all_and_overlap_by_the_stride(n_tokens, room, data):
    stride = data.draw(st.integers(0, room - 1))

    bounds = window_bounds(n_tokens, room=room, stride=stride)

    assert (0, n_tokens) == (bounds[0][0], bounds[-1][1])
    assert all(0 < stop - start <= room for start, stop in bounds)
    assert all(stride == stop - start for (_, stop), (start, _) in pairwise(bounds))
    assert all(stop < n_tokens for _, stop in bounds[:-1])


@given(texts, st.integers(3, 20), st.data())
def test_windows_of_a_text_join_to_the_whole(tokenizer, text, limit, data):
    stride = data.draw(st.none() | st.integers(0, limit - 3))
    options = EncodeOptions(max_length=limit, overflow="window", stride=stride)

    windows = tokenizer.windows(text, options)

    shared = (limit - 2) // 4 if stride is None else stride
    inner = [windows[0].ids[1:-1], *(window.ids[1 + shared : -1] for window in windows[1:])]
    assert tokenizer.encode(text).ids[1:-1].tolist() == np.concatenate(inner).tolist()
    assert all(window.n_tokens <= limit and window.n_dropped == 0 for window in windows)
    assert {(2, 3)} == {(window.ids[0].item(), window.ids[-1].item()) for window in windows}


@given(texts, texts, st.integers(1, 12))
def test_every_window_of_a_pair_is_framed_like_the_pair(tokenizer, first, second, room):
    whole = tokenizer.encode((first, second))
    n_first = int((whole.origins.texts == 0).sum())
    options = EncodeOptions(max_length=3 + n_first + room, overflow="window")

    windows = tokenizer.windows((first, second), options)

    for window in windows:
        assert whole.ids[: n_first + 2].tolist() == window.ids[: n_first + 2].tolist()
        assert 3 == window.ids[-1]
        assert [0] * (n_first + 2) + [1] * (window.n_tokens - n_first - 2) == (
            window.token_types.tolist()
        )
    seen = {tuple(pair) for window in windows for pair in window.origins.offsets.tolist()}
    assert {tuple(pair) for pair in whole.origins.offsets.tolist()} == seen


@given(spelled, st.integers(3, 20))
def test_every_mask_is_picked_once_and_in_order(masking, spelled, limit):
    n_masks = spelled.count("[MASK]")
    if not n_masks:
        spelled, n_masks = [*spelled, "[MASK]"], 1
    options = EncodeOptions(max_length=limit, overflow="window")

    windows = masking.windows(" ".join(spelled), options)

    assert [4] * n_masks == [one for window in windows for one in window.ids[window.picks].tolist()]
    assert all(len(window.picks) for window in windows)


@given(texts)
def test_offsets_cut_the_text_into_what_the_tokens_say(tokenizer, text):
    for token_id, piece, is_special, start, stop in tokenizer.pieces(text, add_special=False):
        assert (False, text[start:stop]) == (is_special, piece)
        shown = "".join(
            letter for letter in piece if letter.isprintable()
        )  # the rest is cleaned away
        if piece.isascii() and token_id != UNKNOWN:
            assert tokenizer.token(token_id).removeprefix("##").lower() == shown.lower()


@given(st.lists(texts | st.tuples(questions, texts), max_size=8))
def test_a_request_is_encoded_like_its_items(tokenizer, items):
    options = EncodeOptions(max_length=40, overflow="window")

    together = tokenizer.encode_all(items, options)

    alone = [tokenizer.windows(item, options) for item in items]
    assert [[one.ids.tolist() for one in windows] for windows in alone] == [
        [one.ids.tolist() for one in windows] for windows in together
    ]
