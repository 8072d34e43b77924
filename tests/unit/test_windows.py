"""Windows: what is refused, and what a pair, a mask and token ids become."""

from __future__ import annotations

import pytest
from tests.tokenizing import loaded, vocabulary

from goldcrest.errors import InputTooLong, InvalidRequest, TooManyTokens
from goldcrest.text.tokenizer import MAX_MASKS, Tokenizer
from goldcrest.values import EncodeOptions

LETTERS = "a b c d e f g h i j k l m n o p q r s t u v w x y z"
WINDOWS = EncodeOptions(max_length=10, overflow="window")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return vocabulary(tmp_path_factory.mktemp("bert"), "bert")


@pytest.fixture(scope="module")
def tokenizer(folder):
    return loaded(folder, keeps_origins=True)


@pytest.fixture(scope="module")
def masking(folder):
    return loaded(folder, mask="[MASK]")


def words(tokenizer: Tokenizer, encodings) -> list[str]:
    return [tokenizer.decode(encoding.ids.tolist()) for encoding in encodings]


def test_a_text_that_fits_is_one_window(tokenizer):
    (window,) = tokenizer.windows("a b c", WINDOWS)

    assert tokenizer.encode("a b c").ids.tolist() == window.ids.tolist()


def test_neighbours_share_a_quarter_of_their_room(tokenizer):
    windows = tokenizer.windows(LETTERS, WINDOWS)

    assert ["a b c d e f g h", "g h i j k l m n", "m n o p q r s t", "s t u v w x y z"] == words(
        tokenizer, windows
    )


def test_a_stride_of_nothing_shares_nothing(tokenizer):
    options = EncodeOptions(max_length=15, overflow="window", stride=0)

    assert ["a b c d e f g h i j k l m", "n o p q r s t u v w x y z"] == words(
        tokenizer, tokenizer.windows(LETTERS, options)
    )


def test_windows_of_a_pair_repeat_its_first_text(tokenizer):
    options = EncodeOptions(max_length=10, overflow="window", stride=1)

    assert ["x y a b c d e", "x y e f g h i", "x y i j"] == words(
        tokenizer, tokenizer.windows(("x y", "a b c d e f g h i j"), options)
    )


def test_a_room_of_one_token_makes_progress(tokenizer):
    options = EncodeOptions(max_length=3, overflow="window")

    assert ["a", "b", "c"] == words(tokenizer, tokenizer.windows("a b c", options))


def test_nothing_is_dropped(tokenizer):
    assert {0} == {window.n_dropped for window in tokenizer.windows(LETTERS, WINDOWS)}


def test_token_ids_are_windowed_as_they_are(tokenizer):
    options = EncodeOptions(max_length=4, overflow="window", stride=2)

    assert [[2, 5, 6, 7], [6, 7, 8, 9], [8, 9, 3]] == [
        window.ids.tolist() for window in tokenizer.windows((2, 5, 6, 7, 8, 9, 3), options)
    ]


def test_token_ids_come_from_no_text(tokenizer):
    origins = tokenizer.encode((2, 30, 31, 3)).origins

    assert [[0, 0]] * 4 == origins.offsets.tolist()
    assert ([-1, 1, 2, -1], [-1, 0, 0, -1]) == (origins.words.tolist(), origins.texts.tolist())


def test_offsets_of_windows_are_those_of_the_whole_text(tokenizer):
    last = tokenizer.windows(LETTERS, WINDOWS)[-1]

    assert list("stuvwxyz") == [
        LETTERS[start:stop] for start, stop in last.origins.offsets.tolist() if stop
    ]


@pytest.mark.parametrize(
    ("item", "stride", "room"), [("a", 8, 8), ("a", -1, 8), (("a b", "c " * 20), 5, 5)]
)
def test_a_stride_without_progress_is_refused(tokenizer, item, stride, room):
    options = EncodeOptions(max_length=10, overflow="window", stride=stride)

    with pytest.raises(InvalidRequest, match=f"stride is {stride}, but .* less than {room}"):
        tokenizer.windows(item, options)


@pytest.mark.parametrize("second", ["a", "a b c"])
def test_a_first_text_that_leaves_no_room_is_refused(tokenizer, second):
    with pytest.raises(InvalidRequest, match="first text of item 3 has 7 tokens, which leave no"):
        tokenizer.windows(("x " * 7, second), WINDOWS, index=3)


def test_one_encoding_is_refused_where_windows_are_needed(tokenizer):
    with pytest.raises(InputTooLong, match="item 0 has 28 tokens, more than the limit of 10"):
        tokenizer.encode(LETTERS, WINDOWS)


def test_picks_are_the_places_of_the_masks(masking):
    assert [2, 4] == masking.encode("a [MASK] b [MASK]").picks.tolist()


def test_every_token_is_picked_where_states_are_wanted(tokenizer):
    encoding = tokenizer.encode("a b c", EncodeOptions(wants_states=True))

    assert [0, 1, 2, 3, 4] == encoding.picks.tolist()


def test_nothing_is_picked_where_nobody_asks(tokenizer):
    assert tokenizer.encode("a [MASK]").picks is None


def test_a_mask_is_picked_in_the_window_that_shows_most_around_it(masking):
    windows = masking.windows("a b c d e f [MASK] h i j k [MASK] m n", WINDOWS)

    assert [("a b c d e f h", [7]), ("h i j k m n", [6])] == [
        (masking.decode(window.ids.tolist()), window.picks.tolist()) for window in windows
    ]


def test_windows_without_a_mask_are_left_out(masking):
    (window,) = masking.windows("a " * 40 + "[MASK]", WINDOWS)

    assert [window.n_tokens - 2] == window.picks.tolist()


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("no mask", r"item 5 holds no \[MASK\]"),
        ((7, 8), r"item 5 holds no \[MASK\]"),
        ("[MASK] " * (MAX_MASKS + 1), r"item 5 holds 65 \[MASK\], more than the limit of 64"),
        ("[MASK] " + "a " * 9 + "[MASK]", "to 10 tokens takes away 1 of its 2 masks"),
    ],
)
def test_masks_that_cannot_be_filled_are_refused(masking, item, reason):
    with pytest.raises(InvalidRequest, match=reason):
        masking.encode(item, EncodeOptions(max_length=10), index=5)


def test_a_second_text_that_leaves_no_room_for_the_first_is_refused(tokenizer):
    options = EncodeOptions(max_length=10, overflow="window", splits_first=True)

    with pytest.raises(InvalidRequest, match=r"second text of item 0 has 7 tokens.* for the first"):
        tokenizer.windows(("a b c", "x " * 7), options)


@pytest.mark.parametrize("item", [LETTERS, ("x y", LETTERS), tuple(range(5, 50))])
@pytest.mark.parametrize("stride", [0, 3, 4])
def test_the_tokens_of_windows_are_counted_before_they_are_made(tokenizer, item, stride):
    options = EncodeOptions(max_length=10, overflow="window", stride=stride)
    n_tokens = sum(window.n_tokens for window in tokenizer.windows(item, options))

    tokenizer.encode_all([item, item], options, limit_tokens=2 * n_tokens)

    with pytest.raises(TooManyTokens, match=f"holds {2 * n_tokens} tokens"):
        tokenizer.encode_all([item, item], options, limit_tokens=2 * n_tokens - 1)
