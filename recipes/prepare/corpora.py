"""The texts that the embedder learns from, read source by source."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple

from recipes.prepare.texts import clean, joined, read, sentences, unmasked

BLOCK_SENTENCES = 12
"""Running text is split between training and tests in blocks of so many sentences."""


class Block(NamedTuple):
    """Sentences that follow each other, and whether their source says to keep them back."""

    sentences: tuple[str, ...]
    is_held_back: bool = False


def _lone(texts: Iterable[str], *, is_held_back: bool = False) -> Iterator[Block]:
    return (Block((clean(text),), is_held_back) for text in texts)


def _blocks(found: Iterator[str]) -> Iterator[Block]:
    while part := tuple(islice(found, BLOCK_SENTENCES)):
        yield Block(part)


def _running(paragraphs: Iterable[str]) -> Iterator[Block]:
    return _blocks(sentence for paragraph in paragraphs for sentence in sentences(paragraph))


def _goemotions(data: Path) -> Iterator[Block]:
    for part in ("train", "dev", "test"):
        lines = read(data / "goemotions" / "original" / f"{part}.tsv").split("\n")
        texts = (line.partition("\t")[0] for line in lines)
        yield from _lone(map(unmasked, texts))


def _sentence_polarity(data: Path) -> Iterator[Block]:
    folder = data / "sentence_polarity" / "sentence_polarity"
    for name in ("rt-polarity.pos", "rt-polarity.neg"):
        yield from _lone(joined(line) for line in read(folder / name).splitlines())


def _pros_cons(data: Path) -> Iterator[Block]:
    folder = data / "pros_cons" / "pros_cons"
    for name in ("IntegratedPros.txt", "IntegratedCons.txt"):
        lines = read(folder / name).splitlines()
        yield from _lone(re.sub(r"</?(Pros|Cons)>", " ", line) for line in lines)


def _product_reviews(data: Path) -> Iterator[Block]:
    for path in sorted((data / "product_reviews").glob("*/product_reviews_*/*.txt")):
        if path.stem != "README":
            for review in read(path).split("[t]")[1:]:
                title, *lines = review.splitlines()
                bodies = [line.partition("##")[2] for line in lines]
                yield Block(tuple(joined(text) for text in (title, *bodies) if text.strip()))


def _movie_reviews(data: Path) -> Iterator[Block]:
    for path in sorted((data / "movie_reviews" / "movie_reviews").glob("*/*.txt")):
        yield from _blocks(joined(line) for line in read(path).splitlines() if line.strip())


def _subjectivity(data: Path) -> Iterator[Block]:
    for path in sorted((data / "subjectivity" / "subjectivity").glob("*.5000")):
        yield from _lone(joined(line) for line in read(path).splitlines())


def _clinc150(data: Path) -> Iterator[Block]:
    for part, rows in json.loads(read(data / "clinc150" / "data_full.json")).items():
        yield from _lone((text for text, _ in rows), is_held_back=part.endswith("test"))


def _banking77(data: Path) -> Iterator[Block]:
    for part in ("train", "test"):
        with (data / "banking77" / f"{part}.csv").open(encoding="utf-8", newline="") as file:
            texts = [row["text"] for row in csv.DictReader(file)]
        yield from _lone(texts, is_held_back=part == "test")


def _snips(data: Path) -> Iterator[Block]:
    for path in sorted((data / "snips").glob("*/*.json")):
        if path.stem.startswith("validate") or path.stem.endswith("full"):
            (rows,) = json.loads(read(path)).values()
            texts = ("".join(part["text"] for part in row["data"]) for row in rows)
            yield from _lone(texts, is_held_back=path.stem.startswith("validate"))


def _sms_spam(data: Path) -> Iterator[Block]:
    lines = read(data / "sms_spam" / "SMSSpamCollection").split("\n")
    yield from _lone(line.partition("\t")[2] for line in lines)


def _conll(path: Path) -> Iterator[str]:
    lines = (line.strip() for line in read(path).split("\n"))
    for has_words, group in groupby(lines, bool):
        if has_words:
            yield joined(" ".join(line.split("\t")[0] for line in group))


def _wnut17(data: Path) -> Iterator[Block]:
    for name in ("wnut17train.conll", "emerging.dev.conll", "emerging.test.annotated"):
        yield from _lone(_conll(data / "wnut17" / name))


def _btc(data: Path) -> Iterator[Block]:
    for path in sorted((data / "btc").glob("*.conll")):
        yield from _lone(_conll(path))


def _masc(data: Path) -> Iterator[Block]:
    for line in read(data / "masc" / "masc.jsonl").split("\n"):
        if line:
            yield from _running(json.loads(line)["text"].split("\n"))


def _us_speeches(data: Path) -> Iterator[Block]:
    for path in sorted((data / "us_speeches").glob("*/*/*.txt")):
        if path.stem != "README":
            yield from _running(read(path).splitlines())


def _openstax_psychology(data: Path) -> Iterator[Block]:
    yield from _running(read(data / "openstax_psychology" / "psychology-2e.txt").splitlines())


CORPORA: dict[str, Callable[[Path], Iterator[Block]]] = {
    "goemotions": _goemotions,
    "sentence_polarity": _sentence_polarity,
    "pros_cons": _pros_cons,
    "product_reviews": _product_reviews,
    "movie_reviews": _movie_reviews,
    "subjectivity": _subjectivity,
    "clinc150": _clinc150,
    "banking77": _banking77,
    "snips": _snips,
    "sms_spam": _sms_spam,
    "masc": _masc,
    "us_speeches": _us_speeches,
    "openstax_psychology": _openstax_psychology,
    "wnut17": _wnut17,
    "btc": _btc,
}
