"""Token classification: what each token is, and which tokens belong together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from goldcrest.errors import InvalidRequest
from goldcrest.heads.numbers import softmax
from goldcrest.heads.plain import check_named
from goldcrest.heads.windows import Pieces, pieces
from goldcrest.tasks import Aggregation, Entity, Tokens, Vocabulary
from goldcrest.values import Answer, Floats, Ints, Item

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Runs:
    """Tokens that stand together, all of one item.

    Attributes:
        firsts: *Shape:* ``(n,)``; each run's first token.
        stops: *Shape:* ``(n,)``; its last one plus one.
        labels: *Shape:* ``(n,)``; numbers of labels.
        scores: *Shape:* ``(n,)``.
    """

    firsts: Ints
    stops: Ints
    labels: Ints
    scores: Floats


@dataclass(frozen=True, slots=True)
class TokensHead:
    """A label for each token, or for each group of tokens; as transformers groups them."""

    labels: tuple[str, ...]
    vocabulary: Vocabulary

    def expand(self, items: Sequence[Item], task: Tokens) -> Sequence[Item]:
        """The texts themselves.

        Raises:
            InvalidRequest: an item is no single text, or the aggregation is unknown.
        """
        check_named("aggregation", task.aggregation, get_args(Aggregation))
        for index, item in enumerate(items):
            if not isinstance(item, str):
                raise InvalidRequest(f"item {index} is no single text, so its tokens have no place")
        return items

    def present(
        self, items: Sequence[Item], answers: Sequence[Answer], task: Tokens
    ) -> Sequence[tuple[Entity, ...]]:
        """Per item, its entities in the order of the text.

        Of a text in windows, each token is read where it stands farthest from an edge.
        """
        found: list[list[Entity]] = [[] for _ in items]
        tokens = pieces(answers) if answers else None
        if tokens is None or not len(tokens):
            return [()] * len(items)
        texts = [str(item) for item in items]
        runs = self._runs(tokens, texts, task.aggregation)
        is_grouped = task.aggregation != "none"
        names = [label.split("-", 1)[-1] if is_grouped else label for label in self.labels]
        wanted = np.array([name not in task.ignored for name in names])[runs.labels]
        for first, stop, label, score in _rows(runs, wanted):
            item = int(tokens.items[first])
            words = self._words(tokens, slice(first, stop), texts[item])
            found[item].append(
                Entity(
                    label=names[label],
                    score=score,
                    word=self.vocabulary.join(words) if is_grouped else words[0],
                    start=int(tokens.offsets[first, 0]),
                    end=int(tokens.offsets[stop - 1, 1]),
                    index=None if is_grouped else int(tokens.places[first]),
                )
            )
        return [tuple(entities) for entities in found]

    def _runs(self, tokens: Pieces, texts: Sequence[str], aggregation: Aggregation) -> Runs:
        scores = softmax(tokens.rows)
        if aggregation in ("none", "simple"):
            numbers = np.arange(len(tokens), dtype=np.int32)
            runs = _labelled(scores, numbers, numbers + 1)
        else:
            runs = words(scores, ~self._continues(tokens, texts), aggregation)
        return runs if aggregation == "none" else groups(runs, tokens.items, self.labels)

    def _continues(self, tokens: Pieces, texts: Sequence[str]) -> Bools:
        """Whether each token goes on with the word of the token before it.

        Where the vocabulary marks such tokens, those do that are longer than the text they stand
        for; else those that no space sets apart. What the vocabulary lacks is a word.
        """
        starts, stops = tokens.offsets.T
        if self.vocabulary.continuation:
            lengths = [len(self.vocabulary.token(one)) for one in tokens.ids.tolist()]
            found = np.array(lengths) != stops - starts
        else:
            where = zip(tokens.items.tolist(), starts.tolist(), strict=True)
            found = np.array([at > 0 and " " not in texts[n][at - 1 : at + 1] for n, at in where])
        is_first = np.diff(tokens.items, prepend=-1) != 0
        result: Bools = found & (tokens.ids != self.vocabulary.unknown) & ~is_first
        return result

    def _words(self, tokens: Pieces, where: slice, text: str) -> list[str]:
        """Tokens as the vocabulary writes them; what it lacks as the text does."""
        return [
            text[start:stop] if one == self.vocabulary.unknown else self.vocabulary.token(one)
            for one, (start, stop) in zip(
                tokens.ids[where].tolist(), tokens.offsets[where].tolist(), strict=True
            )
        ]


def words(scores: Floats, begins: Bools, aggregation: Aggregation) -> Runs:
    """Words, each with one label.

    Args:
        scores: of each token. *Shape:* ``(n_tokens, n_labels)``.
        begins: whether a token is the first of a word; the very first is.
        aggregation: "first" takes the label of a word's first token, "max" that of its surest one,
            "average" the one with the highest mean.
    """
    firsts = np.flatnonzero(begins).astype(np.int32)
    stops = np.append(firsts[1:], len(scores)).astype(np.int32)
    if aggregation == "first":
        of_words = scores[firsts]
    elif aggregation == "max":  # by word, the surest first: a word begins where it always did
        order = np.lexsort((-scores.max(axis=1), np.cumsum(begins)))
        of_words = scores[order[firsts]]
    else:
        of_words = np.add.reduceat(scores, firsts, axis=0) / (stops - firsts)[:, None]
    return _labelled(of_words, firsts, stops)


def groups(runs: Runs, items: Ints, labels: Sequence[str]) -> Runs:
    """Neighbours of one label together, whose score is the mean.

    A label that begins with "B-" begins a group; "B-" and "I-" aside, all of a group are the same.

    Args:
        runs: at least one.
        items: of each token; no group reaches from one into the next.
        labels: what the runs' labels mean.
    """
    bare = [label[2:] if label.startswith(("B-", "I-")) else label for label in labels]
    tags = np.array([bare.index(tag) for tag in bare])[runs.labels]
    begins = np.array([label.startswith("B-") for label in labels])[runs.labels]
    for one in (tags, items[runs.firsts]):
        begins |= np.diff(one, prepend=-1) != 0
    heads = np.flatnonzero(begins)
    counts = np.diff(heads, append=len(begins))
    return Runs(
        runs.firsts[heads],
        runs.stops[heads + counts - 1],
        runs.labels[heads],
        (np.add.reduceat(runs.scores, heads) / counts).astype(np.float32),
    )


def _labelled(scores: Floats, firsts: Ints, stops: Ints) -> Runs:
    return Runs(firsts, stops, scores.argmax(axis=1).astype(np.int32), scores.max(axis=1))


def _rows(runs: Runs, wanted: Bools) -> Iterator[tuple[int, int, int, float]]:
    columns = (runs.firsts, runs.stops, runs.labels, runs.scores)
    return zip(*(column[wanted].tolist() for column in columns), strict=True)
