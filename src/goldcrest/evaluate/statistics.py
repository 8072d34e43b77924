"""The metrics as functions of how often each row counts, so that resamples are one array; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goldcrest.evaluate.entities import entities
from goldcrest.evaluate.names import MetricName
from goldcrest.evaluate.resampling import Statistic, Values, Weights
from goldcrest.evaluate.words import normalised

Doubles = NDArray[np.float64]
Said = Sequence[Any]
"""Per row, what a model said, or what is true."""


def statistic(metric: MetricName, outputs: Said, truths: Said) -> Statistic:
    """A metric of these rows.

    Args:
        metric: which.
        outputs: what the model said.
        truths: the labels, resolved; or what another model said.
    """
    return _STATISTICS[metric](outputs, truths)


def _same(outputs: Said, truths: Said) -> Statistic:
    """The share of rows that are the same."""
    return _mean([float(a == b) for a, b in zip(outputs, truths, strict=True)])


def _exact(outputs: Said, truths: Said) -> Statistic:
    """The share of answers that are one of those accepted; "" where none is."""
    accepted = [{normalised(one) for one in (several or ("",))} for several in truths]
    pairs = zip(outputs, accepted, strict=True)
    return _mean([float(normalised(said) in several) for said, several in pairs])


def _cosine(outputs: Said, truths: Said) -> Statistic:
    """The mean cosine of vectors. *Shape* of each row: ``(n_texts, n_dimensions)``."""
    return _mean([float(cosine(a, b).mean()) for a, b in zip(outputs, truths, strict=True)])


def cosine(first: NDArray[Any], second: NDArray[Any]) -> Doubles:
    """Of vectors with each other, along the last axis; 0 where one has no length."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return np.asarray((a * b).sum(axis=-1) / np.maximum(lengths, 1e-12), np.float64)


def _mean(values: Sequence[float]) -> Statistic:
    kept = np.array(values)

    def of(weights: Weights) -> Values:
        result: Values = weights @ kept / weights.sum(axis=1)
        return result

    return of


def _f1(outputs: Said, truths: Said) -> Statistic:
    """The mean of the F1 of each class; classes that neither the rows nor the model has are out.

    Where there is no class at all, nothing that fits was missed: that is 1.
    """
    classes = sorted({one for row in (*outputs, *truths) for one in _several(row)})
    said, true = _indicators(outputs, classes), _indicators(truths, classes)
    hits, total = said * true, said + true

    def of(weights: Weights) -> Values:
        found, there = 2 * (weights @ hits), weights @ total
        each = found / np.maximum(there, 1)
        n_there = (there > 0).sum(axis=1)
        result: Values = np.where(n_there, each.sum(axis=1) / np.maximum(n_there, 1), 1.0)
        return result

    return of


def _indicators(rows: Said, classes: Sequence[str]) -> Doubles:
    numbers = {name: number for number, name in enumerate(classes)}
    result = np.zeros((len(rows), len(classes)))
    for place, row in enumerate(rows):
        result[place, [numbers[one] for one in _several(row)]] = 1
    return result


def _several(row: str | tuple[str, ...]) -> tuple[str, ...]:
    return (row,) if isinstance(row, str) else row


def _entity_f1(outputs: Said, truths: Said) -> Statistic:
    """The F1 of all entities together; one is found if its kind, first and last word are right."""
    pairs = [(entities(a), entities(b)) for a, b in zip(outputs, truths, strict=True)]
    hits = np.array([2.0 * len(said & true) for said, true in pairs])
    total = np.array([float(len(said) + len(true)) for said, true in pairs])

    def of(weights: Weights) -> Values:
        result: Values = weights @ hits / np.maximum(weights @ total, 1)
        return result

    return of


def _spearman(outputs: Said, truths: Said) -> Statistic:
    """The correlation of the ranks; 0 where either is the same for all rows."""
    of_said, of_true = _ranking(outputs), _ranking(truths)

    def of(weights: Weights) -> Values:
        return _correlation(of_said(weights), of_true(weights), weights)

    return of


def _ranking(values: Said) -> Callable[[Weights], Doubles]:
    """What gives each row its rank in each resample; rows that are equal share the mean rank."""
    _, groups = np.unique(np.asarray(values, np.float64), return_inverse=True)
    order = np.argsort(groups, kind="stable")
    firsts = np.flatnonzero(np.diff(groups[order], prepend=-1))

    def ranks(weights: Weights) -> Doubles:
        sizes = np.add.reduceat(weights[:, order], firsts, axis=1)
        means = np.cumsum(sizes, axis=1) - (sizes - 1) / 2
        result: Doubles = means[:, groups]
        return result

    return ranks


def _correlation(first: Doubles, second: Doubles, weights: Weights) -> Values:
    n_rows = weights.sum(axis=1, keepdims=True)
    a = first - (weights * first).sum(axis=1, keepdims=True) / n_rows
    b = second - (weights * second).sum(axis=1, keepdims=True) / n_rows
    together = (weights * a * b).sum(axis=1)
    apart = np.sqrt((weights * a * a).sum(axis=1) * (weights * b * b).sum(axis=1))
    result: Values = np.where(apart > 1e-9, together / np.maximum(apart, 1e-9), 0.0)
    return result


_STATISTICS: Mapping[MetricName, Callable[[Said, Said], Statistic]] = {
    "accuracy": _same,
    "agreement": _same,
    "exact": _exact,
    "cosine": _cosine,
    "f1": _f1,
    "entity_f1": _entity_f1,
    "spearman": _spearman,
}
