"""Entities in the BIO tags of words, and the tags that a model gives to words; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from goldcrest.tasks import Entity

_WORD = re.compile(r"\S+")

Span = tuple[str, int, int]
"""A kind of entity, its first word, and its last word plus one."""


def words_of(text: str) -> list[str]:
    """The words of a text: what white space sets apart."""
    return text.split()


def tags_of(text: str, tokens: Sequence[Entity]) -> tuple[str, ...]:
    """One tag per word: that of its first token, or "O" where it has none.

    Args:
        text: the words.
        tokens: of the text, each with its label, in order.
    """
    ends = np.array([found.end() for found in _WORD.finditer(text)], np.int64)
    tags = ["O"] * len(ends)
    starts = np.array([token.start for token in tokens], np.int64)
    places = np.searchsorted(ends, starts, side="right")  # a token may begin with the space before
    for token, place in zip(reversed(tokens), places[::-1].tolist(), strict=True):
        if place < len(tags):
            tags[place] = token.label
    return tuple(tags)


def entities(tags: Sequence[str]) -> set[Span]:
    """The entities: each a "B-" and the "I-" of the same kind that follow; other "I-" are none.

    This is what seqeval calls strict, in the scheme IOB2.
    """
    found: set[Span] = set()
    begun: tuple[str, int] | None = None
    for place, tag in enumerate((*tags, "O")):
        prefix, _, kind = tag.partition("-")
        if begun and not (prefix == "I" and kind == begun[0]):
            found.add((*begun, place))
            begun = None
        if prefix == "B":
            begun = (kind, place)
    return found


def stray(tags: Sequence[str]) -> str | None:
    """The first tag that is none of BIO, or goes on with an entity that nothing began."""
    before = "O"
    for tag in tags:
        prefix, _, kind = tag.partition("-")
        if not (tag == "O" or (prefix in ("B", "I") and kind)):
            return tag
        if prefix == "I" and before not in (f"B-{kind}", tag):
            return tag
        before = tag
    return None
