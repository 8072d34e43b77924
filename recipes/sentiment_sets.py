"""The labelled texts: read from the data folder, cleaned, split and freed of duplicates."""

import hashlib
import random
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import sentiment_phrases
from sentiment_phrases import NEGATIVE, POSITIVE

HELD_BACK_PRODUCTS = {"Nikon_coolpix_4300", "norton", "Diaper_Champ"}
GOEMOTIONS_LABELS = {"1": NEGATIVE, "2": POSITIVE}
NAMES = ("Alex", "Sam", "Maria", "Tom", "Anna", "David", "Lee", "Kim")
EMPTY_PHRASES = {"", "none", "nothing", "na", "n a", "no", "not", "see review", "none really"}
# Whole, the two largest sets, which are also the noisiest, would outweigh the others.
TRAIN_LIMIT = 16_000
REVIEW_TAIL_WORDS = 60


class Example(NamedTuple):
    """A text and its label."""

    text: str
    label: int


class Row(NamedTuple):
    """An example and whether its own set keeps it back from training."""

    example: Example
    is_held_back: bool


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """One source of texts, split."""

    name: str
    train: list[Example]
    held_back: list[Example]


def key(text: str) -> str:
    """Return what two texts share that differ only in case, spacing or punctuation."""
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def share(text: str) -> float:
    """Return a number from 0 to 1 that depends on nothing but the text."""
    return int(hashlib.sha256(key(text).encode()).hexdigest()[:8], 16) / 16**8


def _clean(text: str) -> str:
    return " ".join(text.split())


def _sentence_polarity(data: Path) -> Iterator[Row]:
    folder = data / "sentence_polarity" / "sentence_polarity"
    for name, label in (("rt-polarity.pos", POSITIVE), ("rt-polarity.neg", NEGATIVE)):
        for line in (folder / name).read_text("utf-8").splitlines():
            yield Row(Example(_clean(line), label), share(line) < 0.1)


def _pros_cons(data: Path) -> Iterator[Row]:
    folder = data / "pros_cons" / "pros_cons"
    for name, label in (("IntegratedPros.txt", POSITIVE), ("IntegratedCons.txt", NEGATIVE)):
        for line in (folder / name).read_text("utf-8", errors="replace").splitlines():
            text = _clean(re.sub(r"</?(Pros|Cons)>", " ", line))
            if key(text) not in EMPTY_PHRASES and not key(text).startswith("none "):
                yield Row(Example(text, label), share(text) < 0.05)


def _product_sentences(path: Path) -> Iterator[Example]:
    for line in path.read_text("utf-8", errors="replace").splitlines():
        aspects, mark, text = line.partition("##")
        score = sum(int(number) for number in re.findall(r"\[([+-]\d)\]", aspects))
        if mark and score and key(text):
            yield Example(_clean(text), POSITIVE if score > 0 else NEGATIVE)


def _product_reviews(data: Path) -> Iterator[Row]:
    for path in sorted((data / "product_reviews").glob("*/product_reviews_*/*.txt")):
        if path.stem != "README":
            for example in _product_sentences(path):
                yield Row(example, path.stem in HELD_BACK_PRODUCTS)


def _unmasked(text: str) -> str:
    name = NAMES[int(share(text) * len(NAMES))]
    return _clean(text.replace("[NAME]", name).replace("[RELIGION]", "believer"))


def _goemotions(data: Path) -> Iterator[Row]:
    for part in ("train", "dev", "test"):
        path = data / "goemotions" / "group" / f"{part}.tsv"
        for line in path.read_text("utf-8").split("\n"):
            text, label, *_ = [*line.split("\t"), "", ""]
            if label in GOEMOTIONS_LABELS:
                yield Row(Example(_unmasked(text), GOEMOTIONS_LABELS[label]), part == "test")


def _movie_reviews(data: Path) -> Iterator[Row]:
    # The verdict of a long review stands at its end.
    folder = data / "movie_reviews" / "movie_reviews"
    for name, label in (("pos", POSITIVE), ("neg", NEGATIVE)):
        for path in sorted((folder / name).glob("*.txt")):
            words = path.read_text("utf-8", errors="replace").split()
            text = " ".join(words[-REVIEW_TAIL_WORDS:])
            yield Row(Example(text, label), path.name.startswith("cv9"))


def read_tsv(path: Path) -> list[Example]:
    """Return the examples of a file of `label<TAB>text` lines."""
    labels = {"negative": NEGATIVE, "positive": POSITIVE}
    pairs = (line.split("\t", 1) for line in path.read_text("utf-8").splitlines())
    return [Example(text, labels[label]) for label, text in pairs]


def _everyday(seed: int, tsv: Path) -> Iterator[Row]:
    held_back = read_tsv(tsv)
    if shared := [e.text for e in held_back if sentiment_phrases.can_write(e.text)]:
        raise ValueError(f"the templates can write these phrases of {tsv}: {shared}")
    for text, label in sentiment_phrases.generate(seed=seed):
        yield Row(Example(text, label), is_held_back=False)
    yield from (Row(example, is_held_back=True) for example in held_back)


READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    "sentence_polarity": _sentence_polarity,
    "product_reviews": _product_reviews,
    "pros_cons": _pros_cons,
    "goemotions": _goemotions,
    "movie_reviews": _movie_reviews,
}


def _agreed(rows: Iterable[Row]) -> list[Row]:
    """Return one row per text, and none for a text that carries both labels."""
    labels: dict[str, set[int]] = {}
    first: dict[str, Row] = {}
    for row in rows:
        text_key = key(row.example.text)
        labels.setdefault(text_key, set()).add(row.example.label)
        # A text on both sides of the split is tested on, not trained on.
        if text_key not in first or row.is_held_back:
            first[text_key] = row
    return [row for text_key, row in first.items() if len(labels[text_key]) == 1 and text_key]


def _limited(examples: list[Example], seed: int) -> list[Example]:
    count = min(len(examples), TRAIN_LIMIT)
    return random.Random(seed).sample(examples, count)  # noqa: S311 - variety, not secrecy


def read_sets(data: Path, everyday: Path, *, seed: int) -> list[LabelledSet]:
    """Read every set; no text is in two training sets, or in one and in anything held back."""
    rows = {name: _agreed(reader(data)) for name, reader in READERS.items()}
    rows["everyday"] = _agreed(_everyday(seed, everyday))
    seen = {key(r.example.text) for part in rows.values() for r in part if r.is_held_back}
    sets = []
    for name, part in rows.items():
        train = [r.example for r in part if key(r.example.text) not in seen]
        seen.update(key(example.text) for example in train)
        held_back = [r.example for r in part if r.is_held_back]
        sets.append(LabelledSet(name, _limited(train, seed), held_back))
    return sets
