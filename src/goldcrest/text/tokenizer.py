"""Text to tokens: one tokenizer, safe to share among threads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
from numpy.typing import NDArray

from goldcrest.errors import EmptyInput, InputTooLong, InvalidRequest
from goldcrest.text.vocabulary import build_tokenizer, parse
from goldcrest.values import EncodeOptions, Encoding, Item

__all__ = ["Tokenizer", "build_tokenizer"]

_DEFAULTS = EncodeOptions()


class Tokenizer:
    """Turns items into encodings; holds no state that changes.

    Attributes:
        max_length: tokens per item that the model can take, special ones included.
        n_ids: one more than the highest id that a text can give.
    """

    def __init__(
        self, tokenizer: tokenizers.Tokenizer, *, max_length: int, has_token_types: bool
    ) -> None:
        self._tokenizer = tokenizer
        self._has_token_types = has_token_types
        self._n_special = tuple(
            tokenizer.num_special_tokens_to_add(is_pair=is_pair) for is_pair in (False, True)
        )
        self.max_length = max_length
        self.n_ids = 1 + max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)

    @classmethod
    def load(cls, path: Path, *, max_length: int, has_token_types: bool) -> Tokenizer:
        """Read a ``tokenizer.json``; what it says of truncation and padding is ignored.

        Raises:
            CheckpointError: the file is not one.
        """
        tokenizer = parse(path.read_text(encoding="utf-8"), source=str(path))
        return cls(tokenizer, max_length=max_length, has_token_types=has_token_types)

    def encode(self, item: Item, options: EncodeOptions = _DEFAULTS, index: int = 0) -> Encoding:
        """The tokens of one item.

        Args:
            item: a text, a pair of texts, or token ids that are taken as they are.
            options: too long an item is cut as transformers does with ``truncation=True``: at
                the right end, and of a pair the longer text first.
            index: the item's place in its request, for messages.

        Raises:
            InvalidRequest: the item is no valid text, or the options leave no room for one.
            InputTooLong: the item is longer than allowed and must not be cut.
        """
        if isinstance(item, str):
            return self._encode(item, None, options=options, index=index)
        if len(item) == 2 and isinstance(item[0], str) and isinstance(item[1], str):
            return self._encode(item[0], item[1], options=options, index=index)
        return self._take(item, options=options, index=index)

    def _encode(
        self, text: str, other: str | None, *, options: EncodeOptions, index: int
    ) -> Encoding:
        limit = self._limit(options, least=self._n_special[other is not None] + 1)
        try:
            encoded = self._tokenizer.encode(text, other)
        except TypeError as error:
            raise InvalidRequest(
                f"item {index} holds half a surrogate pair, so it is no valid text"
            ) from error
        ids = np.array(encoded.ids, np.int32)
        kept = self._kept(encoded, options=options, limit=limit, index=index)
        types = None
        if self._has_token_types:
            types = np.zeros_like(ids) if other is None else np.array(encoded.type_ids, np.int32)
        if kept is None:
            return Encoding(ids, types)
        cut = None if types is None else types[kept]
        return Encoding(ids[kept], cut, n_dropped=len(ids) - int(kept.sum()))

    def _kept(
        self, encoded: Any, *, options: EncodeOptions, limit: int, index: int
    ) -> NDArray[np.bool_] | None:
        """Which tokens stay, or None if all do."""
        n_tokens = len(encoded)
        if n_tokens <= limit:
            return None
        if options.overflow == "reject":
            raise InputTooLong(n_tokens, limit, index)
        return kept_tokens(encoded.sequence_ids, limit)

    def _take(self, item: Sequence[object], *, options: EncodeOptions, index: int) -> Encoding:
        limit = self._limit(options, least=1)
        ids = self._checked_ids(item, index)
        if len(ids) > limit and options.overflow == "reject":
            raise InputTooLong(len(ids), limit, index)
        kept = ids[:limit].astype(np.int32)
        types = np.zeros_like(kept) if self._has_token_types else None
        return Encoding(kept, types, n_dropped=len(ids) - len(kept))

    def _checked_ids(self, item: Sequence[object], index: int) -> NDArray[Any]:
        ids = np.array(item)
        if not len(ids):
            raise EmptyInput(f"item {index} holds no token ids")
        if ids.dtype.kind not in "iu" or ids.ndim != 1:
            raise InvalidRequest(
                f"item {index} is neither a text, nor a pair of texts, nor a list of token ids"
            )
        wrong = ids[(ids < 0) | (ids >= self.n_ids)]
        if len(wrong):
            raise InvalidRequest(
                f"item {index} holds the token id {wrong[0]}; ids go from 0 to {self.n_ids - 1}"
            )
        return ids

    def _limit(self, options: EncodeOptions, *, least: int) -> int:
        if options.max_length is None:
            return self.max_length
        if options.max_length < least:
            raise InvalidRequest(
                f"max_length is {options.max_length}, but must be at least {least} to leave room "
                "for a token beside the special ones"
            )
        return min(options.max_length, self.max_length)


def kept_tokens(sequence_ids: Sequence[int | None], limit: int) -> NDArray[np.bool_]:
    """Which tokens of an item stay when it is cut to ``limit``.

    Args:
        sequence_ids: which text each token is of; None for special tokens, which always stay.
        limit: more than there are special tokens, fewer than there are tokens.
    """
    texts = np.array([-1 if text is None else text for text in sequence_ids])
    kept = texts == -1
    first, second = np.flatnonzero(texts == 0), np.flatnonzero(texts == 1)
    shares = share_room(len(first), len(second), limit - int(kept.sum()))
    for tokens, share in zip((first, second), shares, strict=True):
        kept[tokens[:share]] = True
    return np.asarray(kept, np.bool_)


def share_room(n_first: int, n_second: int, room: int) -> tuple[int, int]:
    """How many tokens of each text of a pair fit: the longer one is cut first, then both.

    An odd token goes to the longer text, and to the second of two that are equally long.
    """
    if n_second == 0:
        return min(n_first, room), 0
    short, long = sorted((n_first, n_second))
    if 2 * short > room:
        short = room // 2
    long = min(long, room - short)
    return (long, short) if n_first > n_second else (short, long)
