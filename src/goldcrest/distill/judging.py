"""Teacher and student on the texts that were held back: what a report's table says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from goldcrest.distill.answering import TorchModel, open_torch
from goldcrest.distill.result import Judged
from goldcrest.distill.shapes import READS
from goldcrest.distill.stages import Finished
from goldcrest.distill.targets import as_judged
from goldcrest.distill.vocabulary import vocabulary_of
from goldcrest.distill.watch import MustEnd, Watch
from goldcrest.errors import TrainingEnded
from goldcrest.evaluate import Asks, Quality, Row, TextSet, evaluate, is_relative, metric_for
from goldcrest.evaluate.rows import texts_of
from goldcrest.values import Floats

Open = Callable[[Path], AbstractContextManager[Asks]]
"""Opens a folder as Goldcrest serves it."""

_WORD = re.compile(r"\b[^\W\d_]{2,}\b")
N_NEAREST = 10
_MIN_NEIGHBOURS = 5 * N_NEAREST


@dataclass(frozen=True, slots=True)
class Judge:
    """Measures models on sets of texts.

    Attributes:
        first: name of a set -> the model that was measured on it first, and its quality: what the
            others are compared with where there are no labels.
    """

    sets: Sequence[TextSet]
    watch: Watch
    must_end: MustEnd
    first: dict[str, tuple[str, Quality]] = field(default_factory=dict)

    def measure(self, name: str, model: Asks) -> Iterator[Judged]:
        """A row for each set."""
        for data in self.sets:
            yield self._on(name, model, data)

    def _on(self, name: str, model: Asks, data: TextSet) -> Judged:
        self.watch.begin(f"{name} on {data.name}, texts", len(data))
        metric = metric_for(model.task, data, model.labels, model.problem_type)
        reference, first = self.first.get(data.name, (name, None))
        quality = evaluate(model, data, metric, reference=first, progress=self._progress)
        self.first.setdefault(data.name, (name, quality))
        is_compared = is_relative(metric, data)
        return Judged(
            model=name,
            data=data.name,
            metric=quality.metric,
            value=quality.value,
            low=quality.low,
            high=quality.high,
            n_rows=quality.n_rows,
            n_cut=quality.n_truncated,
            reference=reference if is_compared else "",
            nearest=_nearest(first, quality) if is_compared and first else None,
        )

    def _progress(self, done: int, _: int) -> None:
        self.watch.advance(done, "")
        if self.must_end():
            raise TrainingEnded("ended while it was judged; the student itself is whole", 0)


def judge(finished: Finished, watch: Watch, open_served: Open | None = None) -> tuple[Judged, ...]:
    """Measure teacher, student, and the student as it is served, on everything held back.

    Args:
        finished: the stage.
        watch: shown what goes on.
        open_served: None leaves out how it is served.

    Returns:
        Rows by model, then by set; none where nothing was held back.

    Raises:
        TrainingEnded: it was told to end meanwhile.
    """
    order, stage = finished.order, finished.order.stage
    sets = held_back(finished)
    judged: list[Judged] = []
    one = Judge(sets, watch, order.must_end)
    if not sets:
        return ()
    if finished.trained.teacher is not None:
        judged += one.measure("teacher", _teacher(finished))
    student = open_torch(order.out, READS[stage.kind], max_length=stage.max_length)
    judged += one.measure("student", student)
    if open_served is not None:
        watch.begin(f"{stage.name}: opening it as it is served", 0)
        with open_served(order.out) as served:
            judged += one.measure(f"student, served at {served_at(served)}", served)
    return tuple(judged)


def served_at(served: Asks) -> str:
    """The precision of a served model."""
    return str(getattr(served, "precision", "")) or "its own precision"


def _teacher(finished: Finished) -> TorchModel:
    basis, stage = finished.trained.basis, finished.order.stage
    return open_torch(
        finished.material.teacher.folder,
        READS[stage.kind],
        max_length=stage.max_length,
        basis=basis,
    )


def held_back(finished: Finished) -> tuple[TextSet, ...]:
    """The sets that were held back, as the models are asked about them."""
    stage, material = finished.order.stage, finished.material
    given = material.divided.held_back
    if stage.kind == "masked-lm":
        words = vocabulary_of(json.loads(material.tokenizer))
        mask = material.begins.special["mask_token"]
        given = tuple(to_be_found(part, words, mask, seed=stage.seed) for part in given)
    return tuple(as_judged(part, material.labelling) for part in given if len(part))


def to_be_found(part: TextSet, words: Mapping[str, int], mask: str, *, seed: int) -> TextSet:
    """Texts with one whole word masked, and that word as the label.

    Args:
        part: any texts; those without a word that the vocabulary has whole are left out.
        words: the vocabulary.
        mask: the token that stands for a word to be found.
        seed: of which word it is.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for text in (text for row in part.rows for text in texts_of(row.item)):
        places = [m for m in _WORD.finditer(text) if _known(m[0], words)]
        if places:
            chosen = places[rng.integers(len(places))]
            shown = f"{text[: chosen.start()]}{mask}{text[chosen.end() :]}"
            rows.append(Row(shown, _known(chosen[0], words)))
    return TextSet(part.name, tuple(rows))


def _known(word: str, words: Mapping[str, int]) -> str:
    """A word as the vocabulary has it whole; empty where it does not."""
    return next((form for form in (word, word.lower()) if form in words), "")


def _nearest(first: Quality, other: Quality) -> float | None:
    """How many of a text's nearest neighbours stay so; None where there are too few texts."""
    if other.metric != "cosine" or other.n_rows < _MIN_NEIGHBOURS:
        return None
    theirs, ours = (np.concatenate([np.asarray(v) for v in q.outputs]) for q in (first, other))
    return kept_neighbours(theirs, ours, N_NEAREST)


def kept_neighbours(theirs: Floats, ours: Floats, n: int) -> float:
    """The share of each text's ``n`` nearest by the first vectors that are so by the second too.

    Args:
        theirs: vectors. *Shape:* ``(n_texts, width)``.
        ours: vectors of the same texts. *Shape:* ``(n_texts, other_width)``.
        n: fewer than there are texts.
    """
    kept = 0
    for start in range(0, len(theirs), 1024):
        pair = [_neighbours(vectors, start, n) for vectors in (theirs, ours)]
        kept += sum(len(set(a) & set(b)) for a, b in zip(*pair, strict=True))
    return kept / (n * len(theirs))


def _neighbours(vectors: Floats, start: int, n: int) -> list[list[int]]:
    scaled = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)
    some = scaled[start : start + 1024]
    cosines = some @ scaled.T
    cosines[np.arange(len(some)), np.arange(start, start + len(some))] = -np.inf
    found: list[list[int]] = np.argpartition(-cosines, n - 1, axis=1)[:, :n].tolist()
    return found
