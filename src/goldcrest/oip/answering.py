"""What each task gives back, as named tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from goldcrest.errors import InvalidRequest
from goldcrest.names import TaskName
from goldcrest.oip.inference import Wanted
from goldcrest.oip.tensor import Tensor, of_array, of_texts
from goldcrest.tasks import Passage, Reply
from goldcrest.values import Floats

_json = msgspec.json.Encoder().encode
_NOTHING = Passage("", 0.0, 0, 0)
_MOST_PADDING = 65_536
"""Tokens; a long text among a thousand short ones would need gigabytes of zeros."""


def outputs(
    task: TaskName, reply: Reply[Any], labels: Sequence[str], top_k: int | None
) -> tuple[Tensor, ...]:
    """Everything that may be asked of a reply; the first is the most natural.

    Args:
        task: what was asked.
        reply: what came back.
        labels: of the columns of scores, where there are any.
        top_k: labels per item, best first; None means the best alone, without an axis for it.
    """
    if task in ("classify", "zero_shot"):
        return _scores(reply.outputs, labels, top_k)
    return _OTHERS[task](reply.outputs)


def chosen(
    tensors: Sequence[Tensor], wanted: Sequence[Wanted], labels: Sequence[str]
) -> tuple[Tensor, ...]:
    """The outputs that are wanted, in the order they are; all if none is named.

    Raises:
        InvalidRequest: one is unknown, named twice, or cannot be told in classes.
    """
    if not wanted:
        return tuple(tensors)
    named = {tensor.name: tensor for tensor in tensors}
    for want in wanted:
        if want.name not in named:
            raise InvalidRequest(f"there is no output {want.name!r}; there are: {', '.join(named)}")
    if len({want.name for want in wanted}) < len(wanted):
        raise InvalidRequest("an output is asked for twice; name each once")
    return tuple(
        _classes(named[want.name], want.n_classes, labels) if want.n_classes else named[want.name]
        for want in wanted
    )


def _scores(scores: Floats, labels: Sequence[str], top_k: int | None) -> tuple[Tensor, ...]:
    best = _best(scores, top_k or 1)
    named = [labels[column] for column in best.ravel().tolist()]
    values = np.take_along_axis(scores, best, axis=1)
    shape = best.shape if top_k else best.shape[:1]
    return (
        of_array("scores", scores),
        of_texts("label", named, shape),
        of_array("score", values.reshape(shape)),
    )


def _best(scores: Floats, n: int) -> Any:
    """Columns with the highest values, best first. *Shape:* ``(n_items, n)``."""
    return np.argsort(-scores, axis=-1, kind="stable")[:, :n]


def _classes(tensor: Tensor, n: int, labels: Sequence[str]) -> Tensor:
    """The best values of each row as "value:index:label"."""
    values = tensor.numbers
    if values.ndim != 2:
        raise InvalidRequest(
            f"{tensor.name!r} has the shape {list(tensor.shape)}, so it has no classes"
        )
    best = _best(values, n)
    ends = [f":{label}" for label in labels] if len(labels) == values.shape[1] else None
    texts = [
        f"{row[column]:f}:{column}{ends[column] if ends else ''}"
        for row, columns in zip(values, best.tolist(), strict=True)
        for column in columns
    ]
    return of_texts(tensor.name, texts, best.shape)


def _array(name: str) -> Callable[[Any], tuple[Tensor, ...]]:
    return lambda found: (of_array(name, found),)


def _json_texts(name: str) -> Callable[[Any], tuple[Tensor, ...]]:
    return lambda found: (of_texts(name, (_json(each).decode() for each in found)),)


def _states(found: Sequence[Floats]) -> tuple[Tensor, ...]:
    counts = np.array([len(states) for states in found], np.int32)
    if (n_padded := len(counts) * counts.max(initial=0) - counts.sum()) > _MOST_PADDING:
        raise InvalidRequest(
            f"as one tensor these states would hold {n_padded} tokens of padding, more than "
            f"the limit of {_MOST_PADDING}; send texts of like lengths together"
        )
    padded = np.zeros((len(found), counts.max(initial=0), found[0].shape[-1]), np.float32)
    for row, states in zip(padded, found, strict=True):
        row[: len(states)] = states
    return of_array("states", padded), of_array("n_tokens", counts)


def _spans(found: Sequence[Sequence[Passage]]) -> tuple[Tensor, ...]:
    best = [passages[0] if passages else _NOTHING for passages in found]
    return (
        *_json_texts("answers")(found),
        of_texts("answer", (passage.text for passage in best)),
        of_array("score", np.array([passage.score for passage in best], np.float32)),
        of_array("start", np.array([passage.start for passage in best], np.int32)),
        of_array("end", np.array([passage.end for passage in best], np.int32)),
    )


_OTHERS: Mapping[TaskName, Callable[[Any], tuple[Tensor, ...]]] = {
    "rerank": _array("score"),
    "embed": _array("embedding"),
    "similarity": _array("similarity"),
    "states": _states,
    "tokens": _json_texts("entities"),
    "span": _spans,
    "fill": _json_texts("fillings"),
}
