"""Extractive question answering: where a context answers a question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from goldcrest.errors import InvalidRequest
from goldcrest.heads.numbers import best, softmax
from goldcrest.heads.windows import origins_of
from goldcrest.tasks import Passage, Span
from goldcrest.values import Answer, Encoding, Floats, Ints, Item

_QUESTION_AND_CONTEXT = 2


@dataclass(frozen=True, slots=True)
class Candidates:
    """The best passages of one window.

    Attributes:
        bounds: *Shape:* ``(n, 2)``; first and last plus one character of the context.
        scores: *Shape:* ``(n,)``; falling.
        none: the score of "no answer".
    """

    bounds: Ints
    scores: Floats
    none: float


@dataclass(frozen=True, slots=True)
class SpanHead:
    """The passages of each context that answer its question best; as transformers finds them."""

    labels: tuple[str, ...] = ()

    def expand(self, items: Sequence[Item], task: Span) -> Sequence[Item]:
        """The pairs themselves.

        Raises:
            InvalidRequest: an item is no pair of a question and a context, or not even one
                passage, or one token, is asked for.
        """
        if task.n_best < 1:
            raise InvalidRequest(f"n_best is {task.n_best}, but must be at least 1")
        if task.max_answer_tokens < 1:
            raise InvalidRequest(
                f"max_answer_tokens is {task.max_answer_tokens}, but must be at least 1"
            )
        for index, item in enumerate(items):
            _context(item, index)
        return items

    def present(
        self, items: Sequence[Item], answers: Sequence[Answer], task: Span
    ) -> Sequence[tuple[Passage, ...]]:
        """Per item, at most ``n_best`` passages, best first.

        The passages of all windows compete. Probabilities are shares of one window; passages that
        read the same, upper and lower case aside, are one, and their scores add up. A passage
        begins and ends with a whole word.
        """
        return [
            passages(_context(item, index), answer, task)
            for index, (item, answer) in enumerate(zip(items, answers, strict=True))
        ]


def passages(context: str, answer: Answer, task: Span) -> tuple[Passage, ...]:
    """The best passages of one context."""
    windows = [
        candidates(logits, encoding, task)
        for logits, encoding in zip(answer.windows, answer.encodings, strict=True)
    ]
    found = list(_merged(context, windows))
    if task.allow_none:
        found.append(Passage("", min(window.none for window in windows), 0, 0))
    return tuple(sorted(found, key=attrgetter("score"), reverse=True)[: task.n_best])


def candidates(logits: Floats, encoding: Encoding, task: Span) -> Candidates:
    """The passages of one window that may be among the best of all.

    Args:
        logits: that a token is the first of the passage, and that it is the last. *Shape:*
            ``(n_tokens, 2)``.
        encoding: its first token stands for "no answer"; the second text is the context.
        task: rather more candidates are kept than it asks for, since some will read the same.
    """
    origins = origins_of(encoding)
    inside = np.flatnonzero(origins.texts == 1)
    shares = softmax(logits[np.append(0, inside)].T)
    first, last, scores = _best_pairs(
        shares[0, 1:], shares[1, 1:], longest=task.max_answer_tokens, n=2 * task.n_best + 10
    )
    offsets, words = origins.offsets[inside], origins.words[inside]
    begins, ends = _ends_of_words(words)
    bounds = np.stack([offsets[begins[first], 0], offsets[ends[last], 1]], axis=1)
    return Candidates(bounds, scores, float(shares[0, 0] * shares[1, 0]))


def _best_pairs(first: Floats, last: Floats, *, longest: int, n: int) -> tuple[Ints, Ints, Floats]:
    """The ``n`` best pairs of a first and a last token, the best first.

    Args:
        first: probability of each token to be the first.
        last: the same for the last.
        longest: tokens from the first to the last.
        n: pairs; there may be fewer.
    """
    n_tokens, reach = len(first), min(longest, len(first))
    if not n_tokens:
        return np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32)
    beyond = np.zeros(reach - 1, np.float32)
    scores = first[:, None] * sliding_window_view(np.concatenate([last, beyond]), reach)
    firsts, steps = np.indices(scores.shape, np.int32)
    scores[firsts + steps >= n_tokens] = -1
    places = best(scores.ravel(), min(n, n_tokens * reach - reach * (reach - 1) // 2))
    begun = firsts.ravel()[places]
    return begun, begun + steps.ravel()[places], scores.ravel()[places]


def _ends_of_words(words: Ints) -> tuple[Ints, Ints]:
    """For each token, the first and the last token of its word; itself where it has none."""
    begins = (np.diff(words, prepend=-1) != 0) | (words < 0)
    firsts = np.flatnonzero(begins)
    lasts = np.append(firsts[1:], len(words)) - 1
    runs = np.cumsum(begins) - 1
    return firsts[runs].astype(np.int32), lasts[runs].astype(np.int32)


def _merged(context: str, windows: Sequence[Candidates]) -> Iterator[Passage]:
    """One passage for those that read the same, where the first of them stands."""
    places: dict[str, tuple[int, int]] = {}
    scores: dict[str, float] = {}
    for window in windows:
        for (start, end), score in zip(window.bounds.tolist(), window.scores.tolist(), strict=True):
            text = context[start:end].lower()
            places.setdefault(text, (start, end))
            scores[text] = scores.get(text, 0.0) + score
    for text, (start, end) in places.items():
        yield Passage(context[start:end], scores[text], start, end)


def _context(item: Item, index: int) -> str:
    if isinstance(item, tuple) and len(item) == _QUESTION_AND_CONTEXT and isinstance(item[1], str):
        return item[1]
    raise InvalidRequest(f"item {index} is no pair of a question and a context")
