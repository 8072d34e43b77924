"""What the outputs of a classifier are, and labels as the numbers that they are held against."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goldcrest.errors import DataProblem
from goldcrest.evaluate.rows import Label, TextSet
from goldcrest.names import ProblemType

UNKNOWN = -100
"""The number of a class that is not known."""
_LARGEST = float(np.finfo(np.float32).max)
_SCORE = "score"
"""What the single output is called that is no class."""


@dataclass(frozen=True, slots=True)
class Labelling:
    """What the outputs of a classifier are.

    Attributes:
        names: of the outputs, in order; none where a model is no classifier.
        problem: whether one of them fits a text, several may, or they are scores.
        is_bare: its score is the logit of how well a text fits, not passed through a sigmoid, as
            some cross-encoders give it; labels say how well, from 0 to 1.
    """

    names: tuple[str, ...] = ()
    problem: ProblemType = "single_label_classification"
    is_bare: bool = False

    @property
    def problem_type(self) -> ProblemType | None:
        """The problem; None where a model is no classifier."""
        return self.problem if self.names else None

    @property
    def labels_are(self) -> ProblemType:
        """What labels say, which is not what outputs are where these are bare."""
        return "multi_label_classification" if self.is_bare else self.problem


def problem_of(parts: Sequence[TextSet]) -> ProblemType:
    """What labels are, where nobody says: a class each, or several where the rows have lists.

    Raises:
        DataProblem: some rows have a list, and others do not.
    """
    for part in parts:
        for index, row in enumerate(part.rows):
            if isinstance(row.label, tuple) != isinstance(parts[0].rows[0].label, tuple):
                raise _wrong(
                    part,
                    index,
                    f"has the label {row.label!r}, but the first row {parts[0].rows[0].label!r}; "
                    "where lists and single labels are mixed, say the problem_type",
                )
    has_several = any(part.has_several for part in parts)
    return "multi_label_classification" if has_several else "single_label_classification"


def class_names(given: Sequence[str], parts: Sequence[TextSet], problem: ProblemType) -> list[str]:
    """The names of the outputs: those given, else those of the classes of the rows, sorted.

    Raises:
        DataProblem: there are too few classes, or too many for a score.
    """
    if problem == "regression":
        names = list(given) or [_SCORE]
        if len(names) > 1:
            raise DataProblem(f"a score is one number; the names given are {', '.join(names)}")
        return names
    names = list(given) or sorted(
        {name for part in parts for row in part.rows for name in _several(row.label)}
    )
    least = 1 if problem == "multi_label_classification" else 2
    if len(names) < least:
        raise DataProblem(
            f"a classifier needs {('one class', 'two classes')[least - 1]} or more; there "
            f"are: {', '.join(names) or 'none'}"
        )
    return names


def check_labelled(parts: Iterable[TextSet]) -> None:
    """Refuse rows without a label: where labels alone teach, they would teach nothing.

    Raises:
        DataProblem: there is one.
    """
    for part in parts:
        for index, row in enumerate(part.rows):
            if row.label is None:
                raise _wrong(part, index, "has no label; a list may be empty, but must be there")


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
    if labelling.labels_are == "single_label_classification":
        return np.fromiter(_numbers(part, labelling.names), np.int64, len(part))
    rows = list(_rows(part, labelling))
    return np.array(rows, np.float32).reshape(len(part), len(labelling.names))


def as_judged(part: TextSet, labelling: Labelling) -> TextSet:
    """A set as a model can be judged by it: only rows with labels, where there are any.

    Those of a single output become numbers, for it is judged by their ranks.
    """
    rows = [row for row in part.rows if row.label is not None]
    if not rows:
        return part
    labelled = TextSet(part.name, tuple(rows))
    if len(labelling.names) != 1:
        return labelled
    numbers = targets(labelled, labelling)[:, 0].tolist()
    return TextSet(
        part.name,
        tuple(replace(row, label=number) for row, number in zip(rows, numbers, strict=True)),
    )


def same(label: Label, other: Label) -> bool:
    """Whether two labels say the same, be it in another order or as a number."""
    if label is None or other is None:
        return label is other
    return set(_several(label)) == set(_several(other))


def _several(label: Label) -> tuple[str, ...]:
    """A label as the texts that it is: whole numbers without their point, none for none."""
    if label is None or isinstance(label, tuple):
        return label or ()
    return (str(int(label)) if isinstance(label, float) and label.is_integer() else str(label),)


def _places(names: Sequence[str]) -> dict[str, int]:
    """Names and numbers of the outputs -> their places; names go first."""
    numbers = {str(index): index for index in range(len(names))}
    return numbers | {name: index for index, name in enumerate(names)}


def _numbers(part: TextSet, names: Sequence[str]) -> Iterator[int]:
    places = _places(names)
    for index, row in enumerate(part.rows):
        if isinstance(row.label, tuple):
            raise _wrong(part, index, f"has the label {list(row.label)}; a list is not one class")
        for name in _several(row.label):
            if name not in places:
                raise _unknown(part, index, names)
            yield places[name]
        if row.label is None:
            yield UNKNOWN


def _rows(part: TextSet, labelling: Labelling) -> Iterator[Sequence[float]]:
    names = labelling.names
    for index, row in enumerate(part.rows):
        if row.label is None:
            yield [float("nan")] * len(names)
        elif labelling.labels_are == "regression":
            yield [_score(part, index)]
        elif len(names) == 1 and _number(row.label) is not None:
            yield [_share(part, index)]
        else:
            yield _fitting(part, index, names)


def _fitting(part: TextSet, index: int, names: Sequence[str]) -> Sequence[float]:
    """1 for each output that fits."""
    places, named = _places(names), _several(part.rows[index].label)
    if any(name not in places for name in named):
        raise _unknown(part, index, names)
    found = [0.0] * len(names)
    for name in named:
        found[places[name]] += 1
    if max(found) > 1:
        raise _wrong(
            part,
            index,
            f"has the label {list(named)}, which names a class twice; a list has the classes that "
            "fit, not a 0 or 1 for each",
        )
    return found


def _number(label: Label) -> float | None:
    """A label as a number that is no larger than the arithmetic can hold; None where it is none."""
    try:
        found = float(label)  # type: ignore[arg-type]  # what is no number is none
    except (TypeError, ValueError):
        return None
    return found if abs(found) <= _LARGEST else None


def _score(part: TextSet, index: int) -> float:
    score = _number(part.rows[index].label)
    if score is None:
        raise _wrong(part, index, f"has the label {part.rows[index].label!r}; a score is a number")
    return score


def _share(part: TextSet, index: int) -> float:
    share = _number(part.rows[index].label)
    if share is None or not 0 <= share <= 1:
        raise _wrong(
            part,
            index,
            f"has the label {part.rows[index].label!r}; how well a text fits is a number from 0 to 1",
        )
    return share


def _unknown(part: TextSet, index: int, names: Sequence[str]) -> DataProblem:
    return _wrong(
        part, index, f"has the label {part.rows[index].label!r}; known are {', '.join(names)}"
    )


def _wrong(part: TextSet, index: int, what: str) -> DataProblem:
    return DataProblem(f"{part.place(index)} {what}", file=part.name)
