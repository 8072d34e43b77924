"""Labels as numbers: what the outputs of a classifier are held against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goldcrest.errors import DataProblem
from goldcrest.evaluate.rows import Label, TextSet
from goldcrest.names import ProblemType

UNKNOWN = -100
"""The number of a class that is not known."""
_SCORE = "score"
"""What the single output is called that is no class."""


@dataclass(frozen=True, slots=True)
class Labelling:
    """What the outputs of a classifier are.

    Attributes:
        names: of the outputs, in order; none where a model is no classifier.
        problem: whether one of them fits a text, several may, or they are scores.
    """

    names: tuple[str, ...] = ()
    problem: ProblemType = "single_label_classification"


def problem_of(parts: Sequence[TextSet]) -> ProblemType:
    """What labels are, where nobody says: a class each, or several where a row has a list."""
    has_several = any(part.has_several for part in parts)
    return "multi_label_classification" if has_several else "single_label_classification"


def class_names(
    given: Sequence[str],
    parts: Sequence[TextSet],
    problem: ProblemType = "single_label_classification",
) -> tuple[str, ...]:
    """The names of the outputs: those given, else those of the classes of the rows, sorted.

    Raises:
        DataProblem: there are fewer than two classes, or a row carries none.
    """
    if given:
        return tuple(given)
    if problem == "regression":
        return (_SCORE,)
    names = sorted({name for part in parts for name in _names(part, problem)})
    if len(names) < 2:
        raise DataProblem(
            f"a classifier needs two classes or more; the data has: {', '.join(names) or 'none'}"
        )
    return tuple(names)


def targets(part: TextSet, labelling: Labelling) -> NDArray[Any]:
    """What the outputs for each row should be.

    Args:
        part: rows with or without labels.
        labelling: labels are its names, or their numbers from 0.

    Returns:
        For classes that exclude each other their numbers, `UNKNOWN` where a row has none.
        *Shape:* ``(n_rows,)``. Else, for each output, whether it fits, or the score; NaN where a
        row has no label. *Shape:* ``(n_rows, n_outputs)``.

    Raises:
        DataProblem: a label is not of that kind, or not among the names.
    """
    names, problem = labelling.names, labelling.problem
    numbers = {str(index): index for index in range(len(names))}
    numbers |= {name: index for index, name in enumerate(names)}
    if problem == "single_label_classification":
        return np.fromiter(_numbers(part, numbers, names), np.int64, len(part))
    found = np.full((len(part), len(names)), np.nan, np.float32)
    for index, row in enumerate(part.rows):
        if row.label is None:
            continue
        if problem == "regression":
            found[index] = _score(part, index, row.label, len(names))
        elif len(names) == 1 and (share := _number(row.label)) is not None:
            found[index] = _share(part, index, share)
        else:
            found[index] = 0
            for name in _several(row.label):
                if name not in numbers:
                    raise _unknown(part, index, row.label, names)
                found[index, numbers[name]] = 1
    return found


def label_name(label: Label) -> str | None:
    """A label as text, a whole number without its point; None where it is not a single one."""
    if label is None or isinstance(label, tuple):
        return None
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def _several(label: Label) -> tuple[str, ...]:
    return label if isinstance(label, tuple) else (str(label_name(label)),)


def _names(part: TextSet, problem: ProblemType) -> Iterator[str]:
    for index, row in enumerate(part.rows):
        if problem == "multi_label_classification" and row.label is not None:
            yield from _several(row.label)
            continue
        name = label_name(row.label)
        if name is None:
            raise _wrong(part, index, f"has the label {row.label!r}; every row needs one class")
        yield name


def _numbers(part: TextSet, numbers: Mapping[str, int], names: Sequence[str]) -> Iterator[int]:
    for index, row in enumerate(part.rows):
        name = label_name(row.label)
        if row.label is None:
            yield UNKNOWN
        elif name is None or name not in numbers:
            raise _unknown(part, index, row.label, names)
        else:
            yield numbers[name]


def _number(label: Label) -> float | None:
    try:
        return float(label)  # type: ignore[arg-type]  # what is no number is none
    except (TypeError, ValueError):
        return None


def _score(part: TextSet, index: int, label: Label, n_outputs: int) -> float:
    if n_outputs != 1:
        raise _wrong(
            part, index, f"has the label {label!r}, but the model gives {n_outputs} numbers a text"
        )
    score = _number(label)
    if score is None or not isfinite(score):
        raise _wrong(part, index, f"has the label {label!r}; a score is a number")
    return score


def _share(part: TextSet, index: int, share: float) -> float:
    if not 0 <= share <= 1:
        raise _wrong(
            part, index, f"has the label {share:g}; how well a text fits is a number from 0 to 1"
        )
    return share


def _unknown(part: TextSet, index: int, label: Label, names: Sequence[str]) -> DataProblem:
    return _wrong(part, index, f"has the label {label!r}; known are {', '.join(names)}")


def _wrong(part: TextSet, index: int, what: str) -> DataProblem:
    return DataProblem(f"{part.place(index)} {what}", file=part.name)
