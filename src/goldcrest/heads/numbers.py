"""Logits to probabilities, vectors to unit length, windows to one row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp

import numpy as np
from numpy.typing import NDArray

from goldcrest.values import Answer, Floats

_FEW = 8


def softmax(logits: Floats) -> Floats:
    """Along the last axis, safe for large values."""
    if logits.size == logits.shape[-1] <= _FEW:
        return _softmax_of_few(logits)
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return result


def _softmax_of_few(logits: Floats) -> Floats:
    """The same for one short row: a lone text is most requests, and numpy's calls cost more."""
    row: list[float] = logits.ravel().tolist()
    highest = max(row)
    powers = [exp(value - highest) for value in row]
    total = sum(powers)
    return np.array([power / total for power in powers], np.float32).reshape(logits.shape)


def sigmoid(logits: Floats) -> Floats:
    """Each value by itself, safe for large ones."""
    low = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1 / (1 + low), low / (1 + low)).astype(np.float32)


def unit(vectors: Floats) -> Floats:
    """Scale each vector to length 1; a zero vector stays zero."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    result: Floats = vectors / np.maximum(norms, 1e-12)
    return result


def as_is(rows: Floats) -> Floats:
    """No change."""
    return rows


def over_windows(answers: Sequence[Answer], each: Callable[[Floats], Floats] = as_is) -> Floats:
    """One row per answer; of windows the mean, each weighed by its tokens.

    Args:
        answers: at least one.
        each: what is made of the rows before they are averaged.

    Returns:
        *Shape:* ``(n_answers, n)``.
    """
    if len(answers) == len(answers[0].windows) == 1:
        return each(answers[0].windows[0][None])
    if all(len(answer.windows) == 1 for answer in answers):
        return each(np.stack([answer.windows[0] for answer in answers]))
    return np.stack([_mean(answer, each(np.stack(answer.windows))) for answer in answers])


def best(scores: Floats, n: int) -> NDArray[np.intp]:
    """Places of the ``n`` highest scores, the highest first; of all, where there are fewer."""
    n = min(n, len(scores))
    found = (
        np.argpartition(scores, len(scores) - n)[len(scores) - n :]
        if n < len(scores)
        else (np.arange(len(scores)))
    )
    result: NDArray[np.intp] = found[np.argsort(-scores[found], kind="stable")]
    return result


def _mean(answer: Answer, rows: Floats) -> Floats:
    weights = np.array([encoding.n_tokens for encoding in answer.encodings], np.float32)
    result: Floats = np.average(rows, axis=0, weights=weights).astype(np.float32)
    return result
