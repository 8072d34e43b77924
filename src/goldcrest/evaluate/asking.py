"""What a model says of each row, in the form that a metric compares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from goldcrest.evaluate.entities import tags_of
from goldcrest.evaluate.names import MetricName
from goldcrest.evaluate.rows import TextSet, texts_of
from goldcrest.evaluate.statistics import cosine
from goldcrest.evaluate.truths import has_several
from goldcrest.names import Overflow, ProblemType, Readable, TaskName
from goldcrest.tasks import Classify, Embed, Fill, O, Reply, Span, Task, Tokens
from goldcrest.values import Item

Output = str | float | tuple[str, ...] | NDArray[Any]
"""Of one row: a label, or answer; a score; several labels, or tags; vectors of its texts."""

_LIKELY = 0.5
"""From which probability on a label is given where a text may have several."""

_TOGETHER = 256
"""Rows asked at once; the model packs them together."""

_LONGEST_ANSWER = 30
"""In tokens; what SQuAD is commonly measured with."""


class Asks(Protocol):
    """A model that can be asked; `goldcrest.Model` is one."""

    @property
    def task(self) -> Readable:
        """What it was trained for."""
        ...

    @property
    def tasks(self) -> tuple[TaskName, ...]:
        """Everything it can be asked for."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """Of its outputs, in order."""
        ...

    @property
    def problem_type(self) -> ProblemType | None:
        """Whether one of a classifier's labels fits, or several may; None for others."""
        ...

    def predict(
        self, task: Task[O], items: Sequence[Item], *, overflow: Overflow = ...
    ) -> Reply[O]:
        """Ask anything, and see the whole reply."""
        ...


@dataclass(frozen=True, slots=True)
class Said:
    """What a model said.

    Attributes:
        outputs: one per row.
        n_truncated: texts, or pairs asked as one, that were longer than the limit and lost tokens.
    """

    outputs: tuple[Output, ...]
    n_truncated: int


def ask(
    model: Asks, data: TextSet, metric: MetricName, *, progress: Callable[[int, int], None]
) -> Said:
    """Ask a model about each row.

    Long texts are cut as the model's own limit says; where each token counts they are read in
    windows instead.

    Args:
        model: whom to ask.
        data: which texts; checked to be such as the model takes.
        metric: what the outputs are for.
        progress: told how many rows are done, of how many.
    """
    counting = _Counting(model)
    question = _question(counting, data, metric, has_several=has_several(model, data))
    said = list[Output]()
    for start in range(0, len(data), _TOGETHER):
        said += question([row.item for row in data.rows[start : start + _TOGETHER]])
        progress(len(said), len(data))
    return Said(tuple(said), counting.n_truncated)


class _Counting:
    """A model, and how many of the items it was asked lost tokens."""

    def __init__(self, model: Asks) -> None:
        self.task, self.labels = model.task, model.labels
        self.n_truncated = 0
        self._model = model

    def ask(self, task: Task[O], items: Sequence[Item], overflow: Overflow = "truncate") -> O:
        reply = self._model.predict(task, items, overflow=overflow)
        self.n_truncated += sum(map(bool, reply.n_dropped))
        return reply.outputs


_Question = Callable[[Sequence[Item]], Sequence[Output]]


def _question(
    model: _Counting, data: TextSet, metric: MetricName, *, has_several: bool
) -> _Question:
    """The question whose answers the metric compares."""
    if metric == "spearman":
        return partial(_scores if model.task == "classify" else _cosines, model)
    if model.task == "classify":
        return partial(_classes, model, has_several=has_several)
    if model.task == "span":
        may_be_none = any(row.label == () for row in data.rows)
        return partial(_answers, model, may_be_none=may_be_none)
    plain = {"embed": _vectors, "tokens": _tags, "fill": _fillings}
    return partial(plain[model.task], model)


def _scores(model: _Counting, items: Sequence[Item]) -> Sequence[Output]:
    """The single number of each: bare, so that large ones do not become equal."""
    scores: Sequence[Output] = model.ask(Classify("none"), items)[:, 0].tolist()
    return scores


def _classes(model: _Counting, items: Sequence[Item], *, has_several: bool) -> Sequence[Output]:
    shares = model.ask(Classify(), items)
    if has_several:
        return [
            tuple(name for name, share in zip(model.labels, row, strict=True) if share >= _LIKELY)
            for row in shares.tolist()
        ]
    return [model.labels[place] for place in shares.argmax(axis=1).tolist()]


def _cosines(model: _Counting, items: Sequence[Item]) -> Sequence[Output]:
    """Of the two texts of each pair."""
    return [float(cosine(*pair)) for pair in _split(model, items)]


def _vectors(model: _Counting, items: Sequence[Item]) -> Sequence[Output]:
    """The vectors of each item's texts. *Shape* of each: ``(n_texts, n_dimensions)``."""
    return _split(model, items)


def _split(model: _Counting, items: Sequence[Item]) -> list[NDArray[Any]]:
    texts = [texts_of(item) for item in items]
    flat: list[Item] = [text for several in texts for text in several]
    stops = np.cumsum([len(several) for several in texts])
    return np.split(model.ask(Embed(), flat), stops[:-1].tolist())


def _tags(model: _Counting, items: Sequence[Item]) -> Sequence[Output]:
    found = model.ask(Tokens(ignored=()), items, "window")
    return [tags_of(str(text), tokens) for text, tokens in zip(items, found, strict=True)]


def _answers(model: _Counting, items: Sequence[Item], *, may_be_none: bool) -> Sequence[Output]:
    task = Span(max_answer_tokens=_LONGEST_ANSWER, allow_none=may_be_none)
    return [passages[0].text if passages else "" for passages in model.ask(task, items, "window")]


def _fillings(model: _Counting, items: Sequence[Item]) -> Sequence[Output]:
    found = model.ask(Fill(top_k=1), items, "window")
    return [tuple(of_mask[0].token.strip() for of_mask in masks) for masks in found]
