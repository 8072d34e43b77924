"""Makes texts of given lengths up, no two the same unless repeats are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files

import numpy as np

from goldcrest.loadtest.profiles import SPECIAL_TOKENS, Given, Profile

_POOL = 1000
"""Texts that are repeated: the k-th of them 1/k times as often as the first."""
_AT_ONCE = 512
_TRIES = 4


def words() -> Sequence[str]:
    """Plain English words; each is one token in the vocabularies that are common."""
    return files("goldcrest.loadtest").joinpath("words.txt").read_text(encoding="ascii").split()


class Texts:
    """An endless source of a profile's texts.

    Several parts (one per process) draw from one source without ever making the same text: their
    first words differ.

    Args:
        profile: what the texts are like.
        seed: the same seed gives the same texts.
        part: which part of the source this is, below ``n_parts``.
    """

    def __init__(self, profile: Profile, *, seed: int, part: int = 0, n_parts: int = 1) -> None:
        self._profile = profile
        self._generator = np.random.default_rng((seed, part))
        self._words = words()
        self._first = self._words[part % len(self._words) :: n_parts]
        self._seen: set[int] = set()
        self._pool: list[Given] = []
        weights = 1 / np.arange(1, _POOL + 1)
        self._ranks = np.cumsum(weights / weights.sum())
        self._given = _cycle(profile.texts, part, n_parts) if profile.texts else None
        self._fresh = self._make_fresh()

    def take(self) -> Given:
        """The next text, and its class if it brings one."""
        if self._pool and self._profile.repeats and self._is_repeat():
            rank = int(np.searchsorted(self._ranks, self._generator.random()))
            return self._pool[min(rank, len(self._pool) - 1)]
        text = next(self._fresh)
        if len(self._pool) < _POOL:
            self._pool.append(text)
        return text

    def of_length(self, n_tokens: int) -> str:
        """A text of about so many tokens, special ones included, that was not made before."""
        n_words = max(1, n_tokens - SPECIAL_TOKENS)
        while True:
            for _ in range(_TRIES):
                text = self._draw(n_words)
                if hash(text) not in self._seen:
                    self._seen.add(hash(text))
                    return text
            n_words += 1  # the short ones are used up

    def _is_repeat(self) -> bool:
        return bool(self._generator.random() < self._profile.repeats)

    def _draw(self, n_words: int) -> str:
        picks = self._generator.integers(len(self._words), size=n_words).tolist()
        first = self._first[picks[0] % len(self._first)]
        return " ".join((first, *(self._words[pick] for pick in picks[1:])))

    def _make_fresh(self) -> Iterator[Given]:
        if self._given is not None:
            yield from self._given
        while True:
            for n_tokens in self._profile.sample_tokens(_AT_ONCE, self._generator).tolist():
                yield Given(self.of_length(n_tokens), n_tokens=n_tokens)


def _cycle(texts: Sequence[Given], part: int, n_parts: int) -> Iterator[Given]:
    mine = texts[part::n_parts] or texts
    while True:
        yield from mine
