"""Zero-shot classification: a model of entailment asked whether a text says that it is a label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goldcrest.errors import InvalidRequest
from goldcrest.heads.numbers import over_windows, softmax
from goldcrest.tasks import ZeroShot
from goldcrest.values import Answer, Floats, Item

_PLACE = "{}"

MAX_TEMPLATE = 1000
"""Characters of a template: it is repeated for every label."""


@dataclass(frozen=True, slots=True)
class ZeroShotHead:
    """One pair per text and label: the text, and a hypothesis that names the label.

    Attributes:
        entailment: which logit says that the hypothesis follows.
        contradiction: which one says that it does not.
        labels: none of its own; the task brings them.
    """

    entailment: int
    contradiction: int
    labels: tuple[str, ...] = ()

    def expand(self, items: Sequence[Item], task: ZeroShot) -> Sequence[Item]:
        """The pairs of each text, one for each label.

        Raises:
            InvalidRequest: there are no labels, the template has no place for one, or an item is
                no single text.
        """
        hypotheses = _hypotheses(task)
        return [
            (_text(item, index), hypothesis)
            for index, item in enumerate(items)
            for hypothesis in hypotheses
        ]

    def present(self, items: Sequence[Item], answers: Sequence[Answer], task: ZeroShot) -> Floats:
        """The candidates' probabilities. *Shape:* ``(n_items, len(task.labels))``.

        They share 1 by their entailment; with ``multi_label``, and where there is only one, each
        is entailed or contradicted by itself. Of a text in windows, the mean of the logits counts,
        each weighed by its tokens.
        """
        if not answers:
            return np.empty((0, len(task.labels)), np.float32)
        logits = over_windows(answers).reshape(len(items), len(task.labels), -1)
        if task.multi_label or len(task.labels) == 1:
            result: Floats = softmax(logits[..., [self.contradiction, self.entailment]])[..., 1]
            return result
        return softmax(logits[..., self.entailment])


def entailing(labels: Sequence[str]) -> ZeroShotHead | None:
    """The head of a classifier that was trained on entailment; None for any other.

    The contradiction is the first label, or the last where entailment is the first: transformers
    reads models so, whose labels hardly agree on a name for it.
    """
    for index, label in enumerate(labels):
        if label.lower().startswith("entail") and len(labels) > 1:
            return ZeroShotHead(index, len(labels) - 1 if index == 0 else 0)
    return None


def _hypotheses(task: ZeroShot) -> list[str]:
    if not task.labels:
        raise InvalidRequest("there are no labels to choose from; send at least one")
    if len(task.template) > MAX_TEMPLATE:
        raise InvalidRequest(
            f"the template has {len(task.template)} characters, more than the limit of "
            f"{MAX_TEMPLATE}"
        )
    if task.template.count(_PLACE) != 1:
        raise InvalidRequest(
            f"the template {task.template!r} must have one {_PLACE}, where a label goes"
        )
    return [task.template.replace(_PLACE, label) for label in task.labels]


def _text(item: Item, index: int) -> str:
    if not isinstance(item, str):
        raise InvalidRequest(f"item {index} is no single text, so no label can be tried on it")
    return item
