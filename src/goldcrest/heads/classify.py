"""Sequence classification: logits to probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from goldcrest.values import Arrays, Floats, Grid, ProblemType


@dataclass(frozen=True, slots=True)
class ClassifyHead:
    """One row of logits per item; what they mean depends on the problem type."""

    labels: tuple[str, ...]
    problem_type: ProblemType = "single_label_classification"

    def answers(self, arrays: Arrays, grid: Grid) -> Floats:
        """The logits of each job. *Shape:* ``(n_jobs, n_labels)``."""
        return arrays["logits"][: grid.n_jobs].astype(np.float32)

    def present(self, values: Sequence[Floats], options: Mapping[str, Any]) -> Floats:
        """Probabilities, or the bare values of a regression. *Shape:* ``(n_items, n_labels)``."""
        logits = np.stack(values)
        match self.problem_type:
            case "single_label_classification":
                return softmax(logits)
            case "multi_label_classification":
                return sigmoid(logits)
            case "regression":
                return logits


def softmax(logits: Floats) -> Floats:
    """Along the last axis, safe for large values."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return result


def sigmoid(logits: Floats) -> Floats:
    """Each value by itself, safe for large ones."""
    return np.where(
        logits >= 0,
        1 / (1 + np.exp(-np.abs(logits))),
        np.exp(-np.abs(logits)) / (1 + np.exp(-np.abs(logits))),
    ).astype(np.float32)
