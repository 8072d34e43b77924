"""What the built-in embedder learns from: sentences, passages and words of many sources."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from recipes.prepare.corpora import CORPORA, Block
from recipes.prepare.rows import Prepared, Row
from recipes.prepare.texts import key, read, share

MAX_SENTENCES = 16_000
"""Of one source, so that none outweighs the others."""
MAX_PASSAGES = 2_500
MAX_WORDS = 30_000
MAX_HELD_BACK = 400
HELD_BACK_SHARE = 0.03
PASSAGE_WORDS = (25, 170)
"""Up to some 230 tokens."""
LONGEST_WORDS = 170
MAIL = re.compile(r"\w@\w|Message-ID|Content-\s?Type")
CALIBRATION_TEXTS = 2_000
PAIRS_PER_GRADE = 2_000


@dataclass(slots=True)
class Split:
    """The texts of one source: sentences and passages to learn from, and those held back."""

    sentences: list[str] = field(default_factory=list)
    passages: list[str] = field(default_factory=list)
    held_back: list[str] = field(default_factory=list)


def passages(sentences: Sequence[str], rng: random.Random) -> Iterator[str]:
    """Yield neighbouring sentences as texts of random lengths; a lone sentence makes none."""
    group: list[str] = []
    wanted = rng.randint(*PASSAGE_WORDS)
    for sentence in sentences:
        if len(group) > 1 and _n_words(group) + len(sentence.split()) > LONGEST_WORDS:
            yield " ".join(group)
            group = []
        group.append(sentence)
        if len(group) > 1 and _n_words(group) >= wanted:
            yield " ".join(group)
            group, wanted = [], rng.randint(*PASSAGE_WORDS)
    if len(group) > 1:
        yield " ".join(group)


def _n_words(texts: Iterable[str]) -> int:
    return sum(len(text.split()) for text in texts)


def is_text(text: str) -> bool:
    """Tell words from rows of figures and symbols, and from the heads of mails."""
    n_letters = sum(character.isalpha() for character in text)
    n_characters = sum(not character.isspace() for character in text)
    return n_letters >= 0.6 * n_characters and len(key(text)) > 1 and not MAIL.search(text)


def _is_held_back(block: Block) -> bool:
    return block.is_held_back or share(" ".join(block.sentences)) < HELD_BACK_SHARE


def split(blocks: Iterable[Block], rng: random.Random) -> Split:
    """Split a source by blocks, so that no passage crosses over."""
    found = Split()
    for block in blocks:
        kept = [sentence for sentence in block.sentences if is_text(sentence)]
        longer = [text for text in passages(kept, rng) if len(text.split()) <= LONGEST_WORDS]
        kept = [sentence for sentence in kept if len(sentence.split()) <= LONGEST_WORDS]
        if _is_held_back(block):
            found.held_back += [*kept, *longer]
        else:
            found.sentences += kept
            found.passages += longer
    return found


def _sample(texts: Sequence[str], n: int, rng: random.Random) -> list[str]:
    return rng.sample(texts, min(n, len(texts)))


def _unseen(texts: Iterable[str], seen: set[str]) -> list[str]:
    """Return the texts whose key was not seen, each once, and remember them."""
    fresh = []
    for text in texts:
        if (text_key := key(text)) and text_key not in seen:
            seen.add(text_key)
            fresh.append(text)
    return fresh


def words(base: Path) -> list[str]:
    """Return the whole words of the teacher's vocabulary: people look for single words too."""
    lines = read(base / "vocab.txt").splitlines()
    return [word for word in lines if word.isascii() and word.isalpha() and len(word) > 2]


def graded_pairs(data: Path, rng: random.Random) -> list[Row]:
    """Return pairs of held-back requests: 2 for one intent, 1 for one domain, 0 for neither."""
    rows: list[tuple[str, str]] = json.loads(read(data / "clinc150" / "data_full.json"))["test"]
    domains = json.loads(read(data / "clinc150" / "domains.json"))
    domain_of = {intent: domain for domain, intents in domains.items() for intent in intents}
    pairs: dict[int, list[Row]] = {0: [], 1: [], 2: []}
    while min(map(len, pairs.values())) < PAIRS_PER_GRADE:
        (one, intent), (other, intent_of_other) = rng.sample(rows, 2)
        grade = (intent == intent_of_other) + (domain_of[intent] == domain_of[intent_of_other])
        if len(pairs[grade]) < PAIRS_PER_GRADE:
            pairs[grade].append({"text": one, "text_pair": other, "label": grade})
    return [pair for graded in pairs.values() for pair in graded]


def prepare(data: Path, base: Path, *, seed: int = 0) -> Prepared:
    """Read every source; no text is in two of them, or both trained on and held back."""
    rng = random.Random(seed)  # noqa: S311 - variety, not secrecy
    splits = {name: split(blocks(data), rng) for name, blocks in CORPORA.items()}
    splits["words"] = split((Block((word,)) for word in words(base)), rng)
    seen: set[str] = set()
    kept = {name: _unseen(part.held_back, seen) for name, part in splits.items()}
    train: dict[str, list[str]] = {}
    for name, part in splits.items():
        # Words are cheap, and those that no text has would leave the student's vocabulary.
        limit = MAX_WORDS if name == "words" else MAX_SENTENCES
        train[name] = _sample(_unseen(part.sentences, seen), limit, rng)
        train[name] += _sample(_unseen(part.passages, seen), MAX_PASSAGES, rng)
    texts = [text for part in train.values() for text in part]
    held_back = {name: _rows(_sample(part, MAX_HELD_BACK, rng)) for name, part in kept.items()}
    return Prepared(
        train=_rows(texts),
        held_back={**held_back, "clinc150_pairs": graded_pairs(data, rng)},
        calibration=_sample(texts, CALIBRATION_TEXTS, rng),
        n_train={name: len(part) for name, part in train.items()},
    )


def _rows(texts: Iterable[str]) -> list[Row]:
    return [{"text": text} for text in texts]
