"""Fits a cascade to texts: thresholds on one half of them, what they come to on the other."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from goldcrest.config import CascadeConfig
from goldcrest.errors import ConfigError, DataProblem
from goldcrest.evaluate import (
    Asks,
    Drop,
    MetricName,
    Progress,
    Quality,
    TextSet,
    evaluate,
    metric_for,
    paired,
)
from goldcrest.evaluate.rows import texts_of
from goldcrest.heads.classify import confidence
from goldcrest.names import ProblemType
from goldcrest.optimize.cascade import Fitted, Measured, Point, fit, point
from goldcrest.optimize.cascade_asking import Candidate, Kept, Tried, listen
from goldcrest.serving.escalating import Traits, objection
from goldcrest.values import Item

_METRICS: tuple[MetricName, ...] = ("accuracy", "f1", "agreement")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a cascade shall be like.

    Attributes:
        name: under which it is to be served.
        max_drop: points that it may lose against the last member.
        metric: what quality is; None means what fits the texts.
    """

    name: str = "cascade"
    max_drop: float = 0.5
    metric: MetricName | None = None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a cascade comes to on rows that it was not fitted on.

    Attributes:
        config: what is to be served.
        quality: of the cascade.
        drop: points that it lost against the last model, row by row.
        measured: time, and who answers how much.
    """

    config: CascadeConfig
    quality: Quality
    drop: Drop
    measured: Point


@dataclass(frozen=True, slots=True)
class Fitting:
    """What became of fitting.

    Attributes:
        members: what the models said, in the order in which they are to be asked.
        metric: what quality is.
        n_fitted: rows that the thresholds were fitted on.
        fitted: the thresholds, and others that were tried.
        qualities: of each model, on the other rows.
        seconds: of each model alone, per text, on the other rows.
        confirmed: on these as well; None where one model does best alone.
    """

    wish: Wish
    members: tuple[Kept, ...]
    metric: MetricName
    n_fitted: int
    fitted: Fitted
    qualities: tuple[Quality, ...]
    seconds: tuple[float, ...]
    confirmed: Confirmed | None

    @property
    def is_within(self) -> bool:
        """Whether the other rows confirm that no more is lost than may be."""
        return self.confirmed is None or self.confirmed.drop.points <= self.wish.max_drop


def fit_cascade(
    candidates: Sequence[Candidate],
    data: TextSet,
    wish: Wish,
    *,
    held_back: TextSet | None = None,
    clock: Callable[[], float] = time.perf_counter,
    progress: Progress = lambda *_: None,
) -> Fitting:
    """Find the thresholds that make a cascade fast, and see on other rows what they cost.

    Args:
        candidates: the models in the order in which they are to be asked; the last one is what the
            cascade is held against.
        data: texts, with labels unless the metric is agreement with the last model.
        wish: what the cascade shall be like.
        held_back: other rows of the kind, which confirm; None means half of ``data``.
        clock: seconds; only differences matter.
        progress: told how many parts of the texts are answered, of how many.

    Raises:
        ConfigError: there are fewer than two models, they do not fit together, the metric does not
            fit them, or nothing may be lost.
        DataProblem: a row has no label, or one that a model does not know; or there are too few.
    """
    _check(candidates, wish)
    metric = _metric(wish, data, candidates[-1].model)
    for_fitting, others = halves(data, held_back)
    items = [*for_fitting.items, *others.items]
    members = tuple(listen(candidates, items, clock=clock, progress=progress))
    qualities = _qualities(members, for_fitting, metric)
    fitted = fit(_measured(members, qualities, for_fitting), wish.max_drop)
    qualities = _qualities(members, others, metric)
    return Fitting(
        wish=wish,
        members=members,
        metric=metric,
        n_fitted=len(for_fitting),
        fitted=fitted,
        qualities=qualities,
        seconds=tuple(float(one.seconds(others.items).mean()) for one in members),
        confirmed=_confirmed(wish, members, fitted, qualities, others),
    )


def halves(data: TextSet, held_back: TextSet | None = None) -> tuple[TextSet, TextSet]:
    """The rows for fitting, and those that confirm; they share no text.

    Args:
        data: divided by the digests of its texts, so that equal ones stay together, in every run.
        held_back: what confirms instead; what it holds is not fitted on.

    Raises:
        DataProblem: one of the two is empty.
    """
    if held_back is None:
        is_fitted = [_digest(row.item) % 2 == 0 for row in data.rows]
    else:
        kept = {row.item for row in held_back.rows}
        is_fitted = [row.item not in kept for row in data.rows]
    first = tuple(row for row, chosen in zip(data.rows, is_fitted, strict=True) if chosen)
    second = tuple(row for row, chosen in zip(data.rows, is_fitted, strict=True) if not chosen)
    if not first or not (second or held_back):
        raise DataProblem(
            f"{data.name} has too few different texts: thresholds are fitted on some and confirmed "
            "on others, a thousand of each for a verdict",
            file=data.name,
        )
    return TextSet(data.name, first), held_back or TextSet(data.name, second)


def _digest(item: Item) -> int:
    text = "\x1f".join(texts_of(item)).encode()
    return hashlib.blake2b(text, digest_size=1).digest()[0]


def _check(candidates: Sequence[Candidate], wish: Wish) -> None:
    names = [wish.name, *(one.name for one in candidates)]
    if len(candidates) < 2 or len(set(names)) < len(names):
        raise ConfigError(
            f"a cascade needs a name of its own, and two models or more, each of them once; "
            f"{wish.name!r} was to be made of {', '.join(map(repr, names[1:])) or 'nothing'}"
        )
    if wish.max_drop <= 0:
        raise ConfigError(
            f"a cascade that may lose {wish.max_drop:g} points cannot be fitted; allow more than 0"
        )
    traits = [
        Traits(one.name, one.model.task, one.model.labels, one.problem_type) for one in candidates
    ]
    if trouble := objection(wish.name, traits):
        raise ConfigError(trouble)


def _metric(wish: Wish, data: TextSet, model: Asks) -> MetricName:
    metric = wish.metric or metric_for("classify", data, model.labels, model.problem_type)
    if metric not in _METRICS:
        raise ConfigError(
            f"the metric {metric!r} does not fit a cascade; it takes {' or '.join(_METRICS)}"
        )
    return metric


def _qualities(members: Sequence[Kept], data: TextSet, metric: MetricName) -> tuple[Quality, ...]:
    """Of each on the same rows; agreement is that with the last."""
    *others, last = members
    reference = evaluate(last, data, metric)
    return (*(evaluate(one, data, metric, reference=reference) for one in others), reference)


def _measured(
    members: Sequence[Kept], qualities: Sequence[Quality], data: TextSet
) -> list[Measured]:
    """What each is sure of, right about, and takes. A row with several labels is right as a whole."""
    items = data.items
    return [
        Measured(
            member.name,
            confidence(
                member.outputs[member.rows(items)], cast("ProblemType", member.problem_type)
            ),
            np.array([a == b for a, b in zip(found.outputs, found.truths, strict=True)]),
            member.seconds(items),
        )
        for member, found in zip(members, qualities, strict=True)
    ]


def _confirmed(
    wish: Wish,
    members: Sequence[Kept],
    fitted: Fitted,
    qualities: Sequence[Quality],
    data: TextSet,
) -> Confirmed | None:
    kept = fitted.kept
    if len(kept) < 2:
        return None
    config = CascadeConfig(
        name=wish.name,
        members=tuple(members[place].name for place in kept),
        thresholds=tuple(fitted.chosen.thresholds[place] for place in kept[:-1]),
    )
    last = qualities[-1]
    cascade = Tried(config, {member.name: member for member in members})
    quality = evaluate(cascade, data, last.metric, reference=last)
    measured = point(
        [_measured([members[place]], [qualities[place]], data)[0] for place in kept],
        config.thresholds,
    )
    return Confirmed(config, quality, paired(last, quality, data), measured)
