"""What lies in a store that replicas share, and others write to as well: dated and checked; pure.

No pickle: whatever is found there, reading it runs no code, and what is not whole is no answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from hashlib import blake2b
from struct import Struct
from typing import NamedTuple, Protocol

from goldcrest.records import Sample
from goldcrest.serving.cache_bytes import FORMAT, read
from goldcrest.values import Answer

_HEAD = Struct("<4sI8s")
"""Magic, seconds since 1970 when it was computed, digest; as long as four numbers of four bytes."""

_MAGIC = b"gca" + bytes([FORMAT])
_DIGEST_BYTES = 8


class Kept(NamedTuple):
    """What was found.

    Attributes:
        written: the answer as bytes.
        ttl_s: how long it may still be kept.
    """

    written: bytes
    answer: Answer
    ttl_s: float


class SharedLevel(Protocol):
    """A second level that replicas share; must never raise, and never take long."""

    async def fetch(self, keys: Collection[bytes]) -> Mapping[bytes, Kept]:
        """What it has of these."""
        ...

    def keep(self, key: bytes, answer: bytes) -> None:
        """Keep an answer, at some later moment."""
        ...

    def samples(self) -> Iterator[Sample]:
        """What is told to the metrics."""
        ...

    async def aclose(self) -> None:
        """End what it began."""
        ...


def name_of(key: bytes) -> bytes:
    """What an answer is called in a store that holds other things as well."""
    return b"goldcrest:" + key


def wrap(key: bytes, written: bytes, *, now: float) -> bytes:
    """An answer with its date and its digest.

    Args:
        key: what it is kept under; it goes into the digest, so that no answer stands for another.
        written: the answer as bytes.
        now: seconds since 1970.
    """
    born = int(now) & 0xFFFFFFFF
    return _HEAD.pack(_MAGIC, born, _digest(key, born, written)) + written


def unwrap(key: bytes, value: object, *, now: float, ttl_s: float) -> Kept | None:
    """The answer, or None for anything that is none, or is too old.

    Args:
        key: what it was kept under.
        value: what was found there.
        now: seconds since 1970; clocks that differ make it older or younger, but never last for
            longer than ``ttl_s``.
        ttl_s: how long an answer is kept.
    """
    if not isinstance(value, bytes) or len(value) < _HEAD.size:
        return None
    magic, born, digest = _HEAD.unpack_from(value)
    written = value[_HEAD.size :]
    if magic != _MAGIC or digest != _digest(key, born, written):
        return None
    rest_s = min(ttl_s, born + ttl_s - now)
    if rest_s <= 0:
        return None
    try:
        return Kept(written, read(written), rest_s)
    except (ValueError, OverflowError):
        return None


def _digest(key: bytes, born: int, written: bytes) -> bytes:
    date = born.to_bytes(4, "little")
    return blake2b(date + written, key=key, digest_size=_DIGEST_BYTES).digest()
