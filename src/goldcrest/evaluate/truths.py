"""The labels of a set, in the words of the model that is measured; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import TYPE_CHECKING

from goldcrest.errors import DataProblem
from goldcrest.evaluate.entities import stray, words_of
from goldcrest.evaluate.names import MetricName
from goldcrest.evaluate.rows import Label, TextSet
from goldcrest.names import Readable

if TYPE_CHECKING:
    from goldcrest.evaluate.asking import Asks, Output

_Resolve = Callable[[TextSet, int, Label, Sequence[str]], "Output"]

_SHOWN = 12
"""Labels that an error lists."""


def check_items(data: TextSet, task: Readable, metric: MetricName) -> None:
    """Refuse items that the model does not take, or the metric cannot compare.

    Raises:
        DataProblem: a row is a pair where it must not be, or none where it must be; or there is
            no row at all.
    """
    if not data.rows:
        raise DataProblem(f"{data.name} holds no rows, so there is nothing to measure")
    needs_pairs = task == "span" or (task == "embed" and metric == "spearman")
    if not needs_pairs and task not in ("tokens", "fill"):
        return
    for index, row in enumerate(data.rows):
        if isinstance(row.item, tuple) != needs_pairs:
            found = "a pair" if isinstance(row.item, tuple) else "a single text"
            wanted = "pairs of texts" if needs_pairs else "single texts"
            raise _wrong(
                data, index, f"is {found}, but {metric} of a model for {task} is of {wanted}"
            )


def truths(data: TextSet, model: Asks, metric: MetricName) -> tuple[Output, ...]:
    """What is true of each row.

    Args:
        data: every row of it must have a label.
        model: a label of a row is one of the names of its outputs, or its number.
        metric: what the labels are for.

    Raises:
        DataProblem: a label is missing, unknown to the model, or of the wrong kind.
    """
    resolved = _resolving(model.task, metric, has_several=has_several(model, data))
    found: list[Output] = []
    for index, row in enumerate(data.rows):
        if row.label is None:
            raise _wrong(data, index, f"has no label, which {metric} needs for every row")
        found.append(resolved(data, index, row.label, model.labels))
    return tuple(found)


def has_several(model: Asks, data: TextSet) -> bool:
    """Whether an answer of a classifier is a set of classes: as it was trained, or as it is labelled."""
    return data.has_several or (
        model.problem_type == "multi_label_classification" and len(model.labels) > 1
    )


def _resolving(task: Readable, metric: MetricName, *, has_several: bool) -> _Resolve:
    """How a label is made into what the metric compares."""
    if metric == "spearman":
        return _score
    if metric == "entity_f1":
        return _tags
    if metric == "exact" or task == "fill":
        return _texts
    return _names if has_several else _name


def _texts(_: TextSet, __: int, label: Label, ___: Sequence[str]) -> tuple[str, ...]:
    return label if isinstance(label, tuple) else (_written(label),)


def _names(data: TextSet, index: int, label: Label, labels: Sequence[str]) -> tuple[str, ...]:
    """Several labels, in the order in which the model has them."""
    given = label if isinstance(label, tuple) else (label,)
    return tuple(sorted({_name(data, index, one, labels) for one in given}, key=labels.index))


def _score(data: TextSet, index: int, label: Label, _: Sequence[str]) -> float:
    try:
        score = float(label)  # type: ignore[arg-type]  # what is no number is told of below
    except (TypeError, ValueError):
        score = float("nan")
    if not isfinite(score):
        raise _wrong(data, index, f"has the label {label!r}, but spearman needs a number")
    return score


def _tags(data: TextSet, index: int, label: Label, labels: Sequence[str]) -> tuple[str, ...]:
    given = label if isinstance(label, tuple) else _written(label).split()
    tags = tuple(_name(data, index, one, labels) for one in given)
    n_words = len(words_of(str(data.rows[index].item)))
    if len(tags) != n_words:
        raise _wrong(
            data, index, f"has {len(tags)} tags for {n_words} words; it takes one for each"
        )
    if (odd := stray(tags)) is not None:
        raise _wrong(
            data, index, f"has the tag {odd!r} where an entity begins with B- and goes on with I-"
        )
    return tags


def _name(data: TextSet, index: int, label: Label, labels: Sequence[str]) -> str:
    """The model's name of a class, from its name or its number; names go first."""
    written = _written(label)
    if written in labels:
        return written
    if written.isdecimal() and int(written) < len(labels):
        return labels[int(written)]
    known = ", ".join(labels[:_SHOWN]) + (", ..." if len(labels) > _SHOWN else "")
    raise _wrong(
        data,
        index,
        f"has the label {written!r}, which the model does not know; "
        f"it knows, by name or by number from 0: {known}",
    )


def _written(label: Label) -> str:
    """A label as text; whole numbers without a fraction."""
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    return str(label)


def _wrong(data: TextSet, index: int, what: str) -> DataProblem:
    return DataProblem(f"{data.place(index)} {what}", file=data.name, line=data.rows[index].line)
