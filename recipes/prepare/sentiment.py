"""What the sentiment classifier learns from: cleaned, split and freed of duplicates."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from recipes.prepare import phrases
from recipes.prepare.phrases import NEGATIVE, POSITIVE
from recipes.prepare.rows import Prepared, Row
from recipes.prepare.texts import clean, key, share, unmasked

HELD_BACK_PRODUCTS = {"Nikon_coolpix_4300", "norton", "Diaper_Champ"}
GOEMOTIONS_LABELS = {"1": NEGATIVE, "2": POSITIVE}
EMPTY_PHRASES = {"", "none", "nothing", "na", "n a", "no", "not", "see review", "none really"}
# Whole, the two largest sets, which are also the noisiest, would outweigh the others.
TRAIN_LIMIT = 16_000
REVIEW_TAIL_WORDS = 60
CALIBRATION_TEXTS = 2_000


class Example(NamedTuple):
    """A text, its label, and whether its own set keeps it back from training."""

    text: str
    label: str
    is_held_back: bool = False

    @property
    def row(self) -> Row:
        """The example as training and measurements read it."""
        return {"text": self.text, "label": self.label}


def _sentence_polarity(data: Path) -> Iterator[Example]:
    folder = data / "sentence_polarity" / "sentence_polarity"
    for name, label in (("rt-polarity.pos", POSITIVE), ("rt-polarity.neg", NEGATIVE)):
        for line in (folder / name).read_text("utf-8").splitlines():
            yield Example(clean(line), label, share(line) < 0.1)


def _pros_cons(data: Path) -> Iterator[Example]:
    folder = data / "pros_cons" / "pros_cons"
    for name, label in (("IntegratedPros.txt", POSITIVE), ("IntegratedCons.txt", NEGATIVE)):
        for line in (folder / name).read_text("utf-8", errors="replace").splitlines():
            text = clean(re.sub(r"</?(Pros|Cons)>", " ", line))
            if key(text) not in EMPTY_PHRASES and not key(text).startswith("none "):
                yield Example(text, label, share(text) < 0.05)


def _product_reviews(data: Path) -> Iterator[Example]:
    for path in sorted((data / "product_reviews").glob("*/product_reviews_*/*.txt")):
        if path.stem != "README":
            yield from _product(path, is_held_back=path.stem in HELD_BACK_PRODUCTS)


def _product(path: Path, *, is_held_back: bool) -> Iterator[Example]:
    for line in path.read_text("utf-8", errors="replace").splitlines():
        aspects, mark, text = line.partition("##")
        score = sum(int(number) for number in re.findall(r"\[([+-]\d)\]", aspects))
        if mark and score and key(text):
            yield Example(clean(text), POSITIVE if score > 0 else NEGATIVE, is_held_back)


def _goemotions(data: Path) -> Iterator[Example]:
    for part in ("train", "dev", "test"):
        path = data / "goemotions" / "group" / f"{part}.tsv"
        for line in path.read_text("utf-8").split("\n"):
            text, label, *_ = [*line.split("\t"), "", ""]
            if label in GOEMOTIONS_LABELS:
                yield Example(unmasked(text), GOEMOTIONS_LABELS[label], part == "test")


def _movie_reviews(data: Path) -> Iterator[Example]:
    # The verdict of a long review stands at its end.
    folder = data / "movie_reviews" / "movie_reviews"
    for name, label in (("pos", POSITIVE), ("neg", NEGATIVE)):
        for path in sorted((folder / name).glob("*.txt")):
            words = path.read_text("utf-8", errors="replace").split()
            text = " ".join(words[-REVIEW_TAIL_WORDS:])
            yield Example(text, label, path.name.startswith("cv9"))


def by_hand(name: str) -> list[Example]:
    """Return the phrases of a file, all held back.

    Raises:
        ValueError: the templates, which are trained on, can write one of them.
    """
    lines = Path(__file__).with_name(f"{name}.tsv").read_text("utf-8").splitlines()
    pairs = (line.split("\t") for line in lines)
    held_back = [Example(text, label, is_held_back=True) for label, text in pairs]
    if reachable := [e.text for e in held_back if phrases.can_write(e.text)]:
        raise ValueError(f"the templates can write these phrases of {name}.tsv: {reachable}")
    return held_back


READERS: dict[str, Callable[[Path], Iterator[Example]]] = {
    "sentence_polarity": _sentence_polarity,
    "product_reviews": _product_reviews,
    "pros_cons": _pros_cons,
    "goemotions": _goemotions,
    "movie_reviews": _movie_reviews,
}


def _agreed(examples: Iterable[Example]) -> list[Example]:
    """Return one example per text, and none for a text that carries both labels."""
    labels: dict[str, set[str]] = {}
    first: dict[str, Example] = {}
    for example in examples:
        text_key = key(example.text)
        labels.setdefault(text_key, set()).add(example.label)
        # A text on both sides of the split is tested on, not trained on.
        if text_key not in first or example.is_held_back:
            first[text_key] = example
    return [kept for text_key, kept in first.items() if len(labels[text_key]) == 1 and text_key]


def _limited(examples: list[Example], seed: int) -> list[Example]:
    n = min(len(examples), TRAIN_LIMIT)
    return random.Random(seed).sample(examples, n)  # noqa: S311 - variety, not secrecy


def _calibration(train: dict[str, list[Example]], seed: int) -> list[str]:
    """Return training texts, as many of each set, in random order."""
    rng = random.Random(seed)  # noqa: S311 - variety, not secrecy
    each = CALIBRATION_TEXTS // len(train)
    chosen = [e.text for part in train.values() for e in rng.sample(part, min(each, len(part)))]
    rng.shuffle(chosen)
    return chosen


def prepare(data: Path, _base: Path, *, seed: int = 0) -> Prepared:
    """Read every set; no text is in two training sets, or in one and in anything held back."""
    sets = {name: _agreed(reader(data)) for name, reader in READERS.items()}
    generated = [Example(text, label) for text, label in phrases.generate(seed=seed)]
    sets["everyday"] = _agreed([*generated, *by_hand("everyday")])
    sets["facts"] = by_hand("facts")
    held_back = {name: [e for e in part if e.is_held_back] for name, part in sets.items()}
    seen = {key(example.text) for part in held_back.values() for example in part}
    train: dict[str, list[Example]] = {}
    for name, part in sets.items():
        fresh = [example for example in part if key(example.text) not in seen]
        seen.update(key(example.text) for example in fresh)
        train[name] = _limited(fresh, seed)
    return Prepared(
        train=[example.row for part in train.values() for example in part],
        held_back={name: [e.row for e in part] for name, part in held_back.items()},
        calibration=_calibration(train, seed),
        n_train={name: len(part) for name, part in train.items()},
    )
