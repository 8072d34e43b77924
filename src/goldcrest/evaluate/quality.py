"""Quality: how often a model is right, between which bounds, and how much a change of it costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from goldcrest.errors import ConfigError, DataProblem
from goldcrest.evaluate.asking import Asks, Output, Said, ask
from goldcrest.evaluate.names import FITTING, RELATIVE, MetricName
from goldcrest.evaluate.resampling import N_RESAMPLES, interval, resamples, spread, value
from goldcrest.evaluate.rows import TextSet
from goldcrest.evaluate.statistics import statistic
from goldcrest.evaluate.truths import check_items, truths
from goldcrest.names import ProblemType, Readable

Progress = Callable[[int, int], None]
"""Told how many rows are done, of how many."""

_POINTS = 100.0


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a model is on some texts.

    Attributes:
        metric: what ``value`` is.
        value: from 0 to 1; spearman and cosine from -1.
        n_rows: texts or pairs that it was measured on.
        low: lower end of the 95 % interval, by the bootstrap over rows.
        high: its upper end.
        outputs: per row, what the model said.
        truths: per row, what it was compared with.
        n_truncated: texts, or pairs asked as one, that lost tokens to the model's limit.
    """

    metric: MetricName
    value: float
    n_rows: int
    low: float
    high: float
    outputs: tuple[Output, ...] = field(repr=False)
    truths: tuple[Output, ...] = field(default=(), repr=False)
    n_truncated: int = 0


@dataclass(frozen=True, slots=True)
class Drop:
    """How much worse a model became.

    Attributes:
        points: hundredths lost; negative where it became better.
        low: lower end of the 95 % interval, by the bootstrap over the rows of both.
        high: its upper end.
        n_rows: texts or pairs that both were measured on.
    """

    points: float
    low: float
    high: float
    n_rows: int


def metric_for(
    task: Readable,
    data: TextSet,
    labels: Sequence[str] = (),
    problem_type: ProblemType | None = None,
) -> MetricName:
    """The metric that fits a model and a set, where nobody names one.

    Args:
        task: what the model was trained for.
        data: one label is enough to call it labelled: the others are missed when it is measured.
        labels: of the model's outputs, where they are known.
        problem_type: of a classifier, where it is known.
    """
    given = [row.label for row in data.rows if row.label is not None]
    has_scores = any(isinstance(one, float) and not one.is_integer() for one in given)
    if task == "classify" and (len(labels) == 1 or has_scores):
        return "spearman"
    if task == "embed":
        has_pairs = any(isinstance(row.item, tuple) for row in data.rows)
        return "spearman" if given and has_pairs else "cosine"
    if not given:
        return "agreement"
    if task == "classify" and (
        problem_type == "multi_label_classification" or any(isinstance(one, tuple) for one in given)
    ):
        return "f1"
    return FITTING[task][0]


def is_relative(metric: MetricName, data: TextSet) -> bool:
    """Whether a metric compares with the outputs of a reference, rather than with labels."""
    return metric in RELATIVE or (
        metric == "spearman" and all(row.label is None for row in data.rows)
    )


def evaluate(
    model: Asks,
    data: TextSet,
    metric: MetricName | None = None,
    *,
    reference: Quality | None = None,
    progress: Progress = lambda *_: None,
) -> Quality:
    """Measure how good a model is on a set.

    ``accuracy`` is the share of right labels; ``f1`` the mean of the F1 of the classes; ``spearman``
    the rank correlation of scores (of embedders: the cosine of each pair) with the labels;
    ``exact`` the share of answers that are among those accepted; ``entity_f1`` the F1 of whole
    entities; ``agreement`` the share of rows with the output of the reference; ``cosine`` the mean
    cosine with its vectors.

    Args:
        model: whom to ask.
        data: labelled, unless the metric compares with a reference.
        metric: None means what `metric_for` says.
        reference: the quality of another model on the same rows: what ``agreement`` and ``cosine``
            compare with, and ``spearman`` where there are no labels. None: this model is its own
            reference.
        progress: told how many rows are done.

    Raises:
        ConfigError: the metric does not fit the model.
        DataProblem: a row has no label, one that the model does not know, or is of the wrong kind.
    """
    chosen = metric or metric_for(model.task, data, model.labels, model.problem_type)
    check_metric(chosen, model)
    check_items(data, model.task, chosen)
    true: Sequence[Output] | None = None
    if not is_relative(chosen, data):
        true = truths(data, model, chosen)
    elif reference is not None:
        true = _same_rows(reference, data)
    said = ask(model, data, chosen, progress=progress)
    return quality(chosen, said, said.outputs if true is None else true)


def quality(metric: MetricName, said: Said, true: Sequence[Output]) -> Quality:
    """The quality of outputs that are known already."""
    n_rows, kept = len(said.outputs), tuple(true)
    measured = statistic(metric, said.outputs, kept)
    low, high = spread(measured, n_rows)
    return Quality(
        metric,
        value(measured, n_rows),
        n_rows,
        low,
        high,
        outputs=said.outputs,
        truths=kept,
        n_truncated=said.n_truncated,
    )


def paired(
    before: Quality,
    after: Quality,
    data: TextSet,
    *,
    seed: int = 0,
    n_resamples: int = N_RESAMPLES,
) -> Drop:
    """Compare two models on the same rows: how many points the second is worse.

    Both are resampled together, so what is common to them cancels out, and the interval is much
    narrower than the two of their own.

    Args:
        before: of the first.
        after: of the second, by the same metric.
        data: what both were measured on.
        seed: of the resampling.
        n_resamples: how many.

    Raises:
        DataProblem: they were not measured on the rows of ``data``, or by different metrics.
    """
    if before.metric != after.metric:
        raise DataProblem(
            f"{before.metric} and {after.metric} of {data.name} cannot be compared; "
            "measure both by the same metric"
        )
    _same_rows(before, data)
    _same_rows(after, data)
    of_both = [statistic(one.metric, one.outputs, one.truths) for one in (before, after)]
    lost = np.concatenate(
        [
            of_both[0](weights) - of_both[1](weights)
            for weights in resamples(len(data), n_resamples=n_resamples, seed=seed)
        ]
    )
    low, high = interval(lost * _POINTS)
    return Drop((before.value - after.value) * _POINTS, low, high, len(data))


def check_metric(metric: MetricName, model: Asks) -> None:
    """Refuse a metric that a model has no outputs for.

    Raises:
        ConfigError: it has others.
    """
    has_one = model.task == "classify" and len(model.labels) == 1
    fitting = ("spearman",) if has_one else FITTING[model.task]
    if metric not in fitting:
        kind = "of a single output" if has_one else f"for {model.task}"
        raise ConfigError(
            f"the metric {metric!r} does not fit a model {kind}; it takes {' or '.join(fitting)}"
        )


def _same_rows(measured: Quality, data: TextSet) -> tuple[Output, ...]:
    if measured.n_rows != len(data):
        raise DataProblem(
            f"{data.name} has {len(data)} rows, but what it is compared with was measured on "
            f"{measured.n_rows}"
        )
    return measured.outputs
