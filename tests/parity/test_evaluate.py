"""The metrics against those of scikit-learn and SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from goldcrest.evaluate import MetricName
from goldcrest.evaluate.statistics import statistic

metrics = pytest.importorskip("sklearn.metrics")
stats = pytest.importorskip("scipy.stats")

pytestmark = pytest.mark.parity

N_ROWS = 500
CLASSES = ("a", "b", "c", "d")


def measured(metric: MetricName, said: Any, true: Any) -> float:
    (value,) = statistic(metric, said, true)(np.ones((1, len(said))))
    return float(value)


@pytest.mark.parametrize("seed", range(5))
def test_accuracy_and_f1_of_one_label(seed):
    generator = np.random.default_rng(seed)
    said, true = generator.choice(CLASSES, p=[0.6, 0.2, 0.19, 0.01], size=(2, N_ROWS)).tolist()

    assert metrics.accuracy_score(true, said) == pytest.approx(measured("accuracy", said, true))
    assert metrics.f1_score(true, said, average="macro") == pytest.approx(
        measured("f1", said, true)
    )


@pytest.mark.parametrize("seed", range(5))
def test_f1_of_several_labels(seed):
    generator = np.random.default_rng(seed)
    said, true = generator.random((2, N_ROWS, len(CLASSES))) < [0.5, 0.3, 0.1, 0.02]
    names = [
        [tuple(name for name, has in zip(CLASSES, row, strict=True) if has) for row in rows]
        for rows in (said, true)
    ]

    assert metrics.f1_score(true, said, average="macro") == pytest.approx(measured("f1", *names))


@pytest.mark.parametrize("seed", range(5))
def test_spearman_with_and_without_equals(seed):
    generator = np.random.default_rng(seed)
    true = generator.integers(0, 6, N_ROWS).astype(float)
    said = true + generator.normal(0, 2, N_ROWS)

    for given in (said, said.round()):
        expected = stats.spearmanr(given, true).statistic
        assert expected == pytest.approx(measured("spearman", given, true), abs=1e-12)
