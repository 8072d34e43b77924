"""Sequence classification: logits to probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

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
