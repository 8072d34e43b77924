"""Text to tokens: one tokenizer, safe to share among threads."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers

from goldcrest.errors import CheckpointError, EmptyInput, InvalidRequest
from goldcrest.text.fitting import Allowance, Place, check_stride, fit
from goldcrest.text.items import Text, broken, checked_ids, text_of
from goldcrest.text.origins import numbered, origins_of, origins_of_ids
from goldcrest.text.vocabulary import build_tokenizer, parse, special_tokens
from goldcrest.values import EncodeOptions, Encoding, Ints, Item

__all__ = ["MAX_MASKS", "Piece", "Tokenizer", "build_tokenizer", "special_tokens"]

MAX_MASKS = 64
"""Masks that an item may hold: each costs as much as a row of logits over the vocabulary."""

Piece = tuple[int, str, bool, int | None, int | None]
"""A token for show: its id, its text, whether it is special, and where it starts and stops."""

_DEFAULTS = EncodeOptions()
_AT_ONCE = 256
"""Items given to the library in one call: many enough that its cost vanishes."""

# One thread per call: the library's own would take the cores from the engine. It looks this up
# each time, and a value that is already set stays.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

_UNKNOWN = ("<unk>", "[UNK]")
"""What the token for unknown ones is called where the library does not tell."""


class Tokenizer:
    """Turns items into encodings; holds no state that changes.

    Attributes:
        max_length: tokens per item that the model can take, special ones included.
        n_ids: one more than the highest id that a text can give.
        mask: the token whose places are picked; empty where none are.
        continuation: what marks a token that goes on with a word, such as "##"; empty where
            nothing does.
        unknown: the id that stands for whatever the vocabulary lacks; None where nothing does.
    """

    def __init__(
        self,
        tokenizer: tokenizers.Tokenizer,
        *,
        max_length: int,
        has_token_types: bool,
        keeps_origins: bool = False,
        mask: str = "",
    ) -> None:
        """Wrap a tokenizer that neither cuts nor pads.

        Args:
            tokenizer: as `parse` gives it.
            max_length: tokens per item, special ones included.
            has_token_types: whether encodings have them.
            keeps_origins: whether encodings say where their tokens came from.
            mask: the token whose places every encoding picks; empty for none.

        Raises:
            CheckpointError: the tokenizer has no such mask.
        """
        self._tokenizer = tokenizer
        self._has_token_types = has_token_types
        self._keeps_origins = keeps_origins
        # both let other threads run meanwhile, as encode alone does not; offsets cost time
        self._run = tokenizer.encode_batch if keeps_origins else tokenizer.encode_batch_fast
        self._n_special = tuple(
            tokenizer.num_special_tokens_to_add(is_pair=is_pair) for is_pair in (False, True)
        )
        self._mask_id = tokenizer.token_to_id(mask) if mask else None
        if mask and self._mask_id is None:
            raise CheckpointError(f"the tokenizer has no mask token {mask!r}")
        self._special_ids = [
            token_id
            for token_id, token in tokenizer.get_added_tokens_decoder().items()
            if token.special
        ]
        self.mask = mask
        model = tokenizer.model
        self.continuation = str(getattr(model, "continuing_subword_prefix", None) or "")
        names = (getattr(model, "unk_token", None), *_UNKNOWN)
        known = [tokenizer.token_to_id(name) for name in names if name]
        self.unknown: int | None = next((one for one in known if one is not None), None)
        self.max_length = max_length
        self.n_ids = 1 + max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)

    @classmethod
    def load(
        cls,
        path: Path,
        *,
        max_length: int,
        has_token_types: bool,
        keeps_origins: bool = False,
        mask: str = "",
    ) -> Tokenizer:
        """Read a ``tokenizer.json``; what it says of truncation and padding is ignored.

        Raises:
            CheckpointError: the file is not one, or has no such mask.
        """
        return cls(
            parse(path.read_text(encoding="utf-8"), source=str(path)),
            max_length=max_length,
            has_token_types=has_token_types,
            keeps_origins=keeps_origins,
            mask=mask,
        )

    def encode(self, item: Item, options: EncodeOptions = _DEFAULTS, index: int = 0) -> Encoding:
        """The tokens of one item, as one encoding; one that needs windows is refused.

        Arguments and errors as for `windows`.
        """
        if options.overflow == "window":
            options = replace(options, overflow="reject")
        return self.windows(item, options, index)[0]

    def windows(
        self, item: Item, options: EncodeOptions = _DEFAULTS, index: int = 0
    ) -> tuple[Encoding, ...]:
        """The tokens of one item: one encoding, or as many windows as it needs.

        Args:
            item: a text, a pair of texts, or token ids that are taken as they are.
            options: too long an item is cut as transformers does with ``truncation=True``: at
                the right end, and of a pair the longer text first. Or it is split: a text or ids
                themselves; of a pair the second text, and each window repeats the first.
            index: the item's place in its request, for messages.

        Raises:
            InvalidRequest: the item is no valid text, or the options leave no room for one; or it
                holds no mask where one is wanted, too many, or one that would be cut off.
            InputTooLong: the item is longer than allowed and must not be cut.
        """
        return self._encode((item,), options, index, Allowance())[0]

    def encode_all(
        self,
        items: Sequence[Item],
        options: EncodeOptions = _DEFAULTS,
        *,
        limit_tokens: int = sys.maxsize,
    ) -> list[tuple[Encoding, ...]]:
        """The windows of every item of a request.

        Args:
            items: as for `windows`.
            options: likewise.
            limit_tokens: what all windows may come to; with a large stride a text has very many.

        Raises:
            InvalidRequest: as for `windows`; it names the place of the item.
            TooManyTokens: they come to more.
        """
        allowance = Allowance(limit_tokens)
        return [
            one
            for first in range(0, len(items), _AT_ONCE)
            for one in self.encode_some(
                items[first : first + _AT_ONCE], options, first=first, allowance=allowance
            )
        ]

    def encode_some(
        self, items: Sequence[Item], options: EncodeOptions, *, first: int, allowance: Allowance
    ) -> list[tuple[Encoding, ...]]:
        """The same for a part of a request.

        Args:
            items: of the part.
            options: of the request.
            first: place in the request of the first of them, for messages.
            allowance: of the request; counts what its parts come to.

        Raises:
            InvalidRequest: as for `windows`.
            TooManyTokens: the parts come to more than is allowed.
        """
        return self._encode(items, options, first, allowance)

    def token(self, token_id: int) -> str:
        """The token as the vocabulary writes it; empty for a row without a token."""
        return self._tokenizer.id_to_token(token_id) or ""

    def find(self, token: str) -> int | None:
        """The id of a token as the vocabulary writes it; None where it has no such token."""
        found: int | None = self._tokenizer.token_to_id(token)
        return found

    def join(self, tokens: Sequence[str]) -> str:
        """The text of tokens as the vocabulary writes them."""
        decoder = self._tokenizer.decoder
        return " ".join(tokens) if decoder is None else str(decoder.decode(list(tokens)))

    def ids(self, text: str) -> Sequence[int]:
        """The ids of a text, without special tokens.

        Raises:
            InvalidRequest: it is no valid text.
        """
        ids: Sequence[int] = self._read(text, add_special=False).ids
        return ids

    def decode(self, ids: Sequence[int], *, skip_special: bool = True) -> str:
        """The text of some tokens; ids without a token are left out.

        Raises:
            InvalidRequest: some are no ids at all.
        """
        try:
            return str(self._tokenizer.decode(ids, skip_special_tokens=skip_special))
        except (OverflowError, TypeError) as error:
            raise InvalidRequest(
                f"token ids are whole numbers from 0 to {self.n_ids - 1}"
            ) from error

    def pieces(self, text: str, *, add_special: bool) -> list[Piece]:
        """The tokens of a text for show; those that were added have no place in it.

        Raises:
            InvalidRequest: it is no valid text.
        """
        raw = self._read(text, add_special=add_special)
        rows = zip(raw.ids, raw.tokens, raw.special_tokens_mask, raw.offsets, strict=True)
        return [
            (token_id, token, True, None, None)
            if is_special
            else (token_id, text[start:stop], False, start, stop)
            for token_id, token, is_special, (start, stop) in rows
        ]

    def _read(self, text: str, *, add_special: bool) -> Any:
        try:
            return self._tokenizer.encode_batch([text], add_special_tokens=add_special)[0]
        except TypeError as error:
            raise broken([text]) from error

    def _encode(
        self, items: Sequence[Item], options: EncodeOptions, first: int, allowance: Allowance
    ) -> list[tuple[Encoding, ...]]:
        texts = [text_of(item) for item in items]
        try:
            raw = iter(self._run([text for text in texts if text is not None]))
        except TypeError as error:
            raise broken(texts, first) from error
        return [
            self._of_ids(item, options, Place(index, allowance))
            if text is None
            else self._of_text(next(raw), text, options, Place(index, allowance))
            for index, (item, text) in enumerate(zip(items, texts, strict=True), first)
        ]

    def _of_text(
        self, raw: Any, text: Text, options: EncodeOptions, place: Place
    ) -> tuple[Encoding, ...]:
        is_pair = not isinstance(text, str)
        limit = self._limit(options, n_special=self._n_special[is_pair], index=place.index)
        ids = np.array(raw.ids, np.int32)
        if not len(ids):
            raise EmptyInput(f"item {place.index} holds no tokens")
        types = None
        if self._has_token_types:
            types = np.array(raw.type_ids, np.int32) if is_pair else np.zeros(len(ids), np.int32)
        origins = origins_of(raw) if self._keeps_origins else None
        whole = Encoding(ids, types, 0, self._picks(ids, place.index), origins)
        if len(ids) <= limit and not options.wants_states:
            return (whole,)
        texts = numbered(raw.sequence_ids)
        moving = int(is_pair and not options.splits_first)
        return fit(whole, texts, options, place, limit=limit, moving=moving)

    def _of_ids(self, item: Item, options: EncodeOptions, place: Place) -> tuple[Encoding, ...]:
        limit = self._limit(options, n_special=0, index=place.index)
        ids = checked_ids(item, n_ids=self.n_ids, index=place.index).astype(np.int32)
        types = np.zeros_like(ids) if self._has_token_types else None
        origins = origins_of_ids(ids, self._special_ids) if self._keeps_origins else None
        whole = Encoding(ids, types, picks=self._picks(ids, place.index), origins=origins)
        texts = np.zeros_like(ids)
        return fit(whole, texts, options, place, limit=limit, moving=0)

    def _picks(self, ids: Ints, index: int) -> Ints | None:
        """The places of the masks, if masks are what is read."""
        if self._mask_id is None:
            return None
        places = np.flatnonzero(ids == self._mask_id).astype(np.int32)
        if not len(places):
            raise InvalidRequest(f"item {index} holds no {self.mask}, so there is nothing to fill")
        if len(places) > MAX_MASKS:
            raise InvalidRequest(
                f"item {index} holds {len(places)} {self.mask}, more than the limit of {MAX_MASKS}"
            )
        return places

    def _limit(self, options: EncodeOptions, *, n_special: int, index: int) -> int:
        limit, least = self.max_length, n_special + 1
        if options.max_length is not None:
            limit = min(options.max_length, limit)
        if limit < least:
            raise InvalidRequest(
                f"max_length is {limit}, but must be at least {least} to leave room for a token "
                "beside the special ones"
            )
        if options.overflow == "window":
            check_stride(options.stride, room=limit - n_special, index=index)
        return limit
