"""The texts that are sent, and what an idle server answers to each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import tokenizers

from benchmarks.server import exchange
from benchmarks.workload import Texts, vocabulary_words

MAX_LENGTH = 512
N_SHORT = 8
N_AT_ONCE = 16
Rows = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Language:
    """What texts of one vocabulary are made of.

    Attributes:
        poison: a word that no text holds but those that are meant to make the engine fail.
        poison_id: its token.
    """

    words: tuple[str, ...]
    poison: str
    poison_id: int
    tokenizer: Path

    def mixed(self, n: int, *, seed: int) -> list[str]:
        """Texts of log-normal lengths, as they come; none twice."""
        return Texts(list(self.words), seed).take(n)

    def short(self, n: int, *, seed: int, n_words: int = N_SHORT) -> list[str]:
        """Texts of so many words."""
        picks = np.random.default_rng(seed).integers(len(self.words), size=(n, n_words))
        return [" ".join(self.words[index] for index in row) for row in picks.tolist()]

    def poisonous(self, n: int, *, seed: int) -> list[str]:
        """Short texts with the word that must not be."""
        return [f"{text} {self.poison}" for text in self.short(n, seed=seed)]

    def n_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each, special ones included."""
        tokenizer = tokenizers.Tokenizer.from_file(str(self.tokenizer))
        tokenizer.no_padding()
        tokenizer.enable_truncation(MAX_LENGTH)
        return [len(encoding.ids) for encoding in tokenizer.encode_batch(list(texts))]


def language(tokenizer: Path) -> Language:
    """The words of a tokenizer; the last plain one is kept for poison."""
    vocabulary: dict[str, int] = json.loads(tokenizer.read_text())["model"]["vocab"]
    words = vocabulary_words(tokenizer)
    used = set(words)
    rare = [w for w in vocabulary if w.isascii() and w.isalpha() and len(w) > 3 and w not in used]
    poison = max(rare, key=lambda word: vocabulary[word])
    return Language(tuple(words), poison, vocabulary[poison], tokenizer)


def body(texts: str | Sequence[str], **more: object) -> str:
    """A request of Goldcrest's own route."""
    return json.dumps({"text": texts, "max_length": MAX_LENGTH, **more})


@dataclass(frozen=True)
class Idle:
    """What an idle server answers, by text.

    Attributes:
        tolerance: how far a right answer may be off. Sums in another order, in another grid, move
            the last digits; in bf16 more of them.
    """

    by_text: Mapping[str, tuple[float, ...]]
    tolerance: float

    def is_right(self, texts: Sequence[str], rows: Rows) -> bool:
        """Whether these rows are the answers to these texts, in this order."""
        if len(texts) != len(rows):
            return False
        return all(self._is_near(self.by_text[t], r) for t, r in zip(texts, rows, strict=True))

    def _is_near(self, expected: Sequence[float], row: Sequence[float]) -> bool:
        if len(expected) != len(row):
            return False
        return all(abs(a - b) <= self.tolerance for a, b in zip(expected, row, strict=True))

    @property
    def sharpness(self) -> float:
        """Share of mixed-up answers that would be seen: pairs of texts answered differently."""
        table = np.array(list(self.by_text.values()))
        other = np.roll(table, 1, axis=0)
        return float((np.abs(table - other).max(axis=1) > self.tolerance).mean())


def ask_idle(port: int, texts: Sequence[str], *, tolerance: float) -> Idle:
    """Has a server that does nothing else answer each of these texts once."""
    by_text: dict[str, tuple[float, ...]] = {}
    left = iter(dict.fromkeys(texts))
    for part in _parts(left):
        rows = json.loads(exchange(port, "POST", "/classify", body(part)))["predictions"]
        by_text.update({text: tuple(row) for text, row in zip(part, rows, strict=True)})
    return Idle(by_text, tolerance)


def _parts(texts: Iterator[str]) -> Iterator[list[str]]:
    while part := list(islice(texts, N_AT_ONCE)):
        yield part
