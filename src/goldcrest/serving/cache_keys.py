"""Under which key an answer is kept: everything that it depends on, as 256 bits; pure."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import astuple
from hashlib import blake2b
from struct import Struct
from typing import Any

from goldcrest.values import EncodeOptions, Item

KEY_BYTES = 32

_MOST_OPTIONS = 256
"""Encode options whose beginnings are remembered; callers choose them, so there may be any."""

_MOST_CHARACTERS = 2**20
"""A request that is longer is not looked up: to digest it would hold up the event loop for longer
than a millisecond."""

_LENGTH = Struct("<Q")


class Keys:
    """The keys of one version's answers.

    Args:
        identity: what tells this version from every other: digest, precision and the like.
    """

    def __init__(self, identity: Sequence[str | int]) -> None:
        self._identity = tuple(identity)
        self._begun: dict[EncodeOptions, Any] = {}

    def of(self, items: Sequence[Item], options: EncodeOptions) -> list[bytes] | None:
        """The key of each item; None where one of them is no item at all, or they are too long.

        Items differ, and so do their keys, by their kind, by where a pair is split, and by any
        character or id.
        """
        begun = self._begun.get(options) or self._begin(options)
        try:
            n_characters = _length(items[0]) if len(items) == 1 else sum(map(_length, items))
            if n_characters > _MOST_CHARACTERS:
                return None
            return [_digest(begun.copy(), item) for item in items]
        except (TypeError, OverflowError, UnicodeEncodeError):
            return None  # no text and no ids: whoever tokenises it says what is wrong

    def _begin(self, options: EncodeOptions) -> Any:
        beginning = repr((self._identity, astuple(options))).encode()
        if len(self._begun) >= _MOST_OPTIONS:
            self._begun.clear()
        begun = blake2b(_LENGTH.pack(len(beginning)) + beginning, digest_size=KEY_BYTES)
        self._begun[options] = begun
        return begun


def _length(item: Item) -> int:
    """Characters or ids."""
    if not isinstance(item, str) and len(item) == 2:
        return sum([len(part) if isinstance(part, str) else 1 for part in item])
    return len(item)


def _digest(begun: Any, item: Item) -> bytes:
    if isinstance(item, str):
        begun.update(b"t" + item.encode())
    elif len(item) == 2 and isinstance(item[0], str) and isinstance(item[1], str):
        first = item[0].encode()
        begun.update(b"p" + _LENGTH.pack(len(first)) + first + item[1].encode())
    else:
        begun.update(b"i" + array("q", item).tobytes())
    digest: bytes = begun.digest()
    return digest
