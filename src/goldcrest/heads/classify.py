"""Sequence classification: logits to probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from goldcrest.errors import InvalidRequest
from goldcrest.heads.numbers import as_is, over_windows, sigmoid, softmax
from goldcrest.heads.plain import PlainHead, check_named
from goldcrest.names import ProblemType
from goldcrest.tasks import Classify, Scores
from goldcrest.values import Answer, Floats, Item

_AS_TRAINED: Mapping[ProblemType, Scores] = {
    "single_label_classification": "softmax",
    "multi_label_classification": "sigmoid",
    "regression": "none",
}
_SCALES: Mapping[Scores, Callable[[Floats], Floats]] = {
    "softmax": softmax,
    "sigmoid": sigmoid,
    "none": as_is,
}


@dataclass(frozen=True, slots=True)
class ClassifyHead(PlainHead[Classify, Floats]):
    """One row of numbers per item; what they mean depends on the problem type."""

    labels: tuple[str, ...]
    problem_type: ProblemType = "single_label_classification"

    def expand(self, items: Sequence[Item], task: Classify) -> Sequence[Item]:
        """The items themselves; nothing runs for what cannot be presented.

        Raises:
            InvalidRequest: there are no such scores.
        """
        if task.scores != "auto":
            check_named("scores", task.scores, get_args(Scores))
        return items

    def present(self, items: Sequence[Item], answers: Sequence[Answer], task: Classify) -> Floats:
        """Probabilities, or bare values as asked. *Shape:* ``(n_items, n_labels)``.

        Of an item in windows, the mean over its windows, each weighed by its tokens.

        Raises:
            InvalidRequest: there are no such scores.
        """
        check_named("scores", task.scores, get_args(Scores))
        if not answers:
            return np.empty((0, len(self.labels)), np.float32)
        scores = _AS_TRAINED[self.problem_type] if task.scores == "auto" else task.scores
        return over_windows(answers, _SCALES[scores])


def as_trained(logits: Floats, problem_type: ProblemType) -> Floats:
    """Probabilities, or bare values, as a model of that type is meant. *Shape:* as given."""
    return _SCALES[_AS_TRAINED[problem_type]](logits)


def confidence(outputs: Floats, problem_type: ProblemType, scores: Scores = "auto") -> Floats:
    """How sure a classifier is of each of its answers, from 0 to 1. *Shape:* ``(n_items,)``.

    That is the largest probability; where several labels may fit, it is that of the label of which
    the model is least sure, be it that it fits or that it does not. For bare values it is what
    their probabilities say; for a text in windows, those of the means of its values.

    Args:
        outputs: what `ClassifyHead.present` gave. *Shape:* ``(n_items, n_labels)``.
        problem_type: any but regression, which is never sure.
        scores: how they were asked for.

    Raises:
        InvalidRequest: these scores are neither bare values nor what the model was trained for.
    """
    trained = _AS_TRAINED[problem_type]
    if scores not in ("auto", "none", trained):
        raise InvalidRequest(
            f"scores is {scores!r}, which does not tell how sure a model of these is; "
            f"ask for 'auto', {trained!r} or 'none'"
        )
    found = _SCALES[trained](outputs) if scores == "none" else outputs
    if trained == "sigmoid":
        least: Floats = np.maximum(found, 1 - found).min(axis=1, initial=1)
        return least
    largest: Floats = found.max(axis=1, initial=0)
    return largest
