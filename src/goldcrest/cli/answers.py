"""What ``goldcrest predict`` prints for each task: per item, one value for a line of JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from goldcrest.app.library import Classification, Model
from goldcrest.errors import UnsupportedTask
from goldcrest.names import TaskName
from goldcrest.tasks import Aggregation, Rerank
from goldcrest.web.rows import rows

PAIRED: frozenset[TaskName] = frozenset({"rerank", "span"})
"""Tasks whose items are always pairs."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line says of the answers.

    Attributes:
        task: empty means zero-shot where there are labels, else what the model was trained for.
        labels: candidates for zero-shot classification.
        top_k: scores, passages or fillings per item; None means as many as the task itself gives.
        aggregation: how tokens become groups.
    """

    task: str = ""
    labels: tuple[str, ...] = ()
    top_k: int | None = None
    aggregation: str = "none"


def task_of(model: Model, wish: Wish) -> TaskName:
    """Which task is meant.

    Raises:
        UnsupportedTask: the model does not do it.
    """
    name = wish.task or ("zero_shot" if wish.labels else model.tasks[0])
    for task in model.tasks:
        if task == name:
            return task
    raise UnsupportedTask(f"the model does {', '.join(model.tasks)}, not {name}")


def answers(model: Model, task: TaskName, items: Sequence[Any], wish: Wish) -> Iterable[Any]:
    """Ask for the items; one value for each, but none for the source of a similarity.

    Raises:
        ServingError: as the model does.
    """
    return _ASKED[task](model, items, wish)


def _classify(model: Model, items: Sequence[Any], wish: Wish) -> Iterable[Any]:
    return [_shortened(found, wish.top_k) for found in model.classify(items)]


def _zero_shot(model: Model, items: Sequence[Any], wish: Wish) -> Iterable[Any]:
    return [_shortened(found, wish.top_k) for found in model.zero_shot(items, wish.labels)]


def _shortened(found: Classification, top_k: int | None) -> Classification:
    """The best labels alone, best first."""
    if top_k is None:
        return found
    ordered = sorted(found.scores.items(), key=lambda row: -row[1])
    return replace(found, scores=dict(ordered[:top_k]))


def _rerank(model: Model, items: Sequence[Any], _: Wish) -> Iterable[Any]:
    return model.predict(Rerank(), items).outputs.tolist()  # type: ignore[no-any-return]  # floats


def _embed(model: Model, items: Sequence[Any], _: Wish) -> Iterable[Any]:
    return map(rows, model.embed(items))


def _similarity(model: Model, items: Sequence[Any], _: Wish) -> Iterable[Any]:
    return model.similarity(items[0], items[1:]).tolist()  # type: ignore[no-any-return]  # floats


def _states(model: Model, items: Sequence[Any], _: Wish) -> Iterable[Any]:
    return map(rows, model.states(items))


def _tokens(model: Model, items: Sequence[Any], wish: Wish) -> Iterable[Any]:
    return model.tag(items, aggregation=cast("Aggregation", wish.aggregation))


def _span(model: Model, items: Sequence[Any], wish: Wish) -> Iterable[Any]:
    return model.answer(items, n_best=1 if wish.top_k is None else wish.top_k)


def _fill(model: Model, items: Sequence[Any], wish: Wish) -> Iterable[Any]:
    return model.fill(items, top_k=5 if wish.top_k is None else wish.top_k)


_ASKED: Mapping[TaskName, Callable[[Model, Sequence[Any], Wish], Iterable[Any]]] = {
    "classify": _classify,
    "rerank": _rerank,
    "zero_shot": _zero_shot,
    "embed": _embed,
    "similarity": _similarity,
    "states": _states,
    "tokens": _tokens,
    "span": _span,
    "fill": _fill,
}
