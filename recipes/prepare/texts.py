"""Texts as the data sets have them: cleaned, compared, cut into sentences."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator
from pathlib import Path

NAMES = ("Alex", "Sam", "Maria", "Tom", "Anna", "David", "Lee", "Kim")
_SENTENCE_END = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][\"'\u201d)]))\s+(?=[\"'\u201c(]*[A-Z0-9])")
_ABBREVIATION = re.compile(
    r"\b(?:Mr|Mrs|Ms|Dr|Prof|St|Gen|Sen|Rep|Gov|No|vs|etc|e\.g|i\.e|[A-Z])\.$"
)


def clean(text: str) -> str:
    """Return the text with single spaces between its words."""
    return " ".join(text.split())


def key(text: str) -> str:
    """Return what two texts share that differ only in case, spacing or punctuation."""
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def share(text: str) -> float:
    """Return a number from 0 to 1 that depends on nothing but the text."""
    return int(hashlib.sha256(key(text).encode()).hexdigest()[:8], 16) / 16**8


def unmasked(text: str) -> str:
    """Return a comment of goemotions with ordinary words in place of its placeholders."""
    name = NAMES[int(share(text) * len(NAMES))]
    return clean(text.replace("[NAME]", name).replace("[RELIGION]", "believer"))


def joined(tokens: str) -> str:
    """Return tokenised text as it was written, or nearly: no spaces before commas, none in "don't"."""
    text = html.unescape(re.sub(r"& ?(#\d+|[a-z]+) ?;", r"&\1;", tokens))
    text = re.sub(r" (n't|'(?:s|m|re|ve|d|ll|t)\b|[,.!?;:)%])", r"\1", clean(text))
    return re.sub(r"([(]) ", r"\1", text)


def read(path: Path) -> str:
    """Return the text of a file in UTF-8, or in ISO-8859-1 where it is not UTF-8."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("iso-8859-1")


def sentences(paragraph: str) -> Iterator[str]:
    """Yield the sentences of a paragraph."""
    begun = ""
    for part in _SENTENCE_END.split(clean(paragraph)):
        begun = f"{begun} {part}" if begun else part
        if not _ABBREVIATION.search(begun):
            yield begun
            begun = ""
    if begun:
        yield begun
