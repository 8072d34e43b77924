"""Answers held against the reference: a fast server that answers wrongly is no server."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.peer import Tolerance

Probabilities = list[float]


@dataclass(frozen=True)
class Deviation:
    """How far answers are from those of the reference."""

    n_texts: int
    largest: float
    mean: float
    same_label: float

    def is_within(self, tolerance: Tolerance) -> bool:
        near = self.largest <= tolerance.largest and self.mean <= tolerance.mean
        return self.n_texts > 0 and near


def deviation(answers: Sequence[Probabilities], expected: Sequence[Probabilities]) -> Deviation:
    """Compares answers, text by text and label by label."""
    if not answers:
        return Deviation(n_texts=0, largest=float("inf"), mean=float("inf"), same_label=0.0)
    ours, theirs = np.array(answers), np.array(expected)
    if ours.shape != theirs.shape:
        return Deviation(len(answers), largest=float("inf"), mean=float("inf"), same_label=0.0)
    apart = np.abs(ours - theirs)
    same = float(np.mean(ours.argmax(axis=1) == theirs.argmax(axis=1)))
    return Deviation(len(answers), float(apart.max()), float(apart.mean()), same)


def spread(expected: Sequence[Probabilities]) -> float:
    """The mean difference between the answers to different texts: what a mix-up would cost."""
    table: npt.NDArray[np.float64] = np.array(expected)
    return float(np.abs(table[1:] - table[:-1]).mean()) if len(table) > 1 else 0.0


@dataclass(frozen=True)
class Reference:
    """The expected answers, by text."""

    by_text: dict[str, Probabilities]

    def of(self, texts: Sequence[str]) -> list[Probabilities]:
        return [self.by_text[text] for text in texts]
