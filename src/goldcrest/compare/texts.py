"""What models are asked where nobody gives texts: made-up ones of everyday lengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from goldcrest.names import Readable
from goldcrest.tasks import Classify, Embed, Fill, Span, Task, Tokens
from goldcrest.values import Item

Text = str | tuple[str, str]
"""What a model is asked: a text, or a pair of texts."""

NAME = "made-up texts: short ones above all, some paragraphs, a few documents"

_SHARES = (0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.985, 1.0)
_TOKENS = (3, 7, 8, 11, 18, 31, 40, 75, 134, 167, 238, 441, 512, 512)
"""How many tokens a share of the texts does not exceed, special ones included: what the load
test's profile "mixed" comes to where no model reads more than 512."""
_N_SPECIAL = 2
_N_QUESTION = 8

_WORDS = (
    "the and but not was are you she from with very good bad great love hate like film book food "
    "service slow fast friendly happy angry wonderful never again would one two three time day "
    "night place people staff price quality money"
)
"""Plain ones, each a token of its own in the vocabularies that are common."""

TASKS: Mapping[Readable, Task[Any]] = {
    "classify": Classify(),
    "embed": Embed(),
    "tokens": Tokens(),
    "span": Span(),
    "fill": Fill(),
}
"""What a model is asked for, by what it was trained for."""


def made_up(n: int, *, task: Readable, mask: str = "", seed: int = 0) -> list[Text]:
    """Make items up; the same seed gives the same ones.

    Args:
        n: how many.
        task: pairs are made for ``span``.
        mask: stands in every text where the task is ``fill``.
        seed: of lengths and words.
    """
    generator = np.random.default_rng(seed)
    shares = generator.permutation((np.arange(n) + 0.5) / n)
    lengths = np.rint(np.interp(shares, _SHARES, _TOKENS)).astype(np.int64)
    texts = [_text(max(1, length - _N_SPECIAL), generator) for length in lengths.tolist()]
    if task == "span":
        return [(_text(_N_QUESTION, generator), text) for text in texts]
    return [f"{mask} {text}" for text in texts] if task == "fill" else list(texts)


def _text(n_words: int, generator: np.random.Generator) -> str:
    words = _WORDS.split()
    return " ".join([words[place] for place in generator.integers(len(words), size=n_words)])


def chosen(items: Sequence[Item], n: int, *, seed: int = 0) -> list[Text]:
    """So many of the items, chosen at random; all of them, shuffled, where there are no more."""
    places = np.random.default_rng(seed).permutation(len(items))[:n]
    return [_plain(items[place]) for place in places.tolist()]


def _plain(item: Item) -> Text:
    if isinstance(item, str):
        return item
    first, second = item
    return str(first), str(second)


def n_characters(item: Text) -> int:
    """Of a text, or of both texts of a pair."""
    return len(item) if isinstance(item, str) else sum(map(len, item))
