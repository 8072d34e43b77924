"""Masked language modelling: what stands under each mask."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from goldcrest.errors import InvalidRequest
from goldcrest.heads.numbers import best
from goldcrest.tasks import Fill, Filling, Vocabulary
from goldcrest.values import Answer, Encoding, Floats, Ints, Item

Written = Callable[[int], str]
"""A token's id -> the text with the token in place of a mask."""


@dataclass(frozen=True, slots=True)
class FillHead:
    """The likeliest tokens for each mask of an item, each mask by itself.

    Attributes:
        limit: fillings that one request may ask for, all masks together: each is written out.
    """

    vocabulary: Vocabulary
    labels: tuple[str, ...] = ()
    limit: int = sys.maxsize

    def expand(self, items: Sequence[Item], task: Fill) -> Sequence[Item]:
        """The items themselves; the tokenizer refuses those without a mask.

        Raises:
            InvalidRequest: not even one filling is asked for, or a target is no token.
        """
        if task.top_k < 1:
            raise InvalidRequest(f"top_k is {task.top_k}, but must be at least 1")
        self._targets(task)
        return items

    def present(
        self, items: Sequence[Item], answers: Sequence[Answer], task: Fill
    ) -> Sequence[tuple[tuple[Filling, ...], ...]]:
        """Per item and mask, at most ``top_k`` fillings, best first.

        Probabilities are shares among all tokens, even where only targets compete.

        Raises:
            InvalidRequest: they are more than are allowed.
        """
        targets = self._targets(task)
        self._check_count(answers, task.top_k, targets)
        return [
            tuple(
                self._fillings(logits, written, targets=targets, top_k=task.top_k)
                for logits, written in zip(
                    np.concatenate(answer.windows), self._masks(item, answer), strict=True
                )
            )
            for item, answer in zip(items, answers, strict=True)
        ]

    def _check_count(self, answers: Sequence[Answer], top_k: int, targets: Ints | None) -> None:
        masks = [logits for answer in answers for window in answer.windows for logits in window]
        n_each = [min(top_k, len(logits if targets is None else targets)) for logits in masks]
        if sum(n_each) > self.limit:
            raise InvalidRequest(
                f"the request asks for {sum(n_each)} fillings, more than the limit of "
                f"{self.limit}; lower top_k"
            )

    def _targets(self, task: Fill) -> Ints | None:
        """The ids of the targets, each once; None where every token competes."""
        if not task.targets:
            return None
        return np.unique(np.array([self._target(word) for word in task.targets], np.int32))

    def _target(self, word: str) -> int:
        found = self.vocabulary.find(word)
        ids = self.vocabulary.ids(word) if found is None else [found]
        if len(ids) == 1 and (found is not None or ids[0] != self.vocabulary.unknown):
            return ids[0]
        pieces = ", ".join(repr(self.vocabulary.token(one)) for one in ids) or "none"
        raise InvalidRequest(
            f"the target {word!r} is no single token of the vocabulary; its tokens: {pieces}"
        )

    def _fillings(
        self, logits: Floats, written: Written, *, targets: Ints | None, top_k: int
    ) -> tuple[Filling, ...]:
        powers = np.exp(logits - logits.max())
        total = powers.sum()
        competing = np.arange(len(logits)) if targets is None else targets
        ids = competing[best(powers[competing], top_k)].tolist()
        return tuple(
            Filling(self._decoded([one]), one, float(powers[one] / total), written(one))
            for one in ids
        )

    def _masks(self, item: Item, answer: Answer) -> list[Written]:
        """How the item reads with each of its masks filled.

        In one piece, as the vocabulary writes it, special tokens left out if there is only one
        mask. In windows, some of which may not have been run, as the caller wrote it.
        """
        if len(answer.encodings) == 1:
            return self._in_tokens(answer.encodings[0])
        parts = item.split(self.vocabulary.mask) if isinstance(item, str) else []
        if len(parts) - 1 == sum(len(window) for window in answer.windows):
            return [self._in_text(parts, number) for number in range(1, len(parts))]
        return [each for encoding in answer.encodings for each in self._in_tokens(encoding)]

    def _in_tokens(self, encoding: Encoding) -> list[Written]:
        assert encoding.picks is not None  # noqa: S101  # the tokenizer of such a model picks masks
        ids, places = encoding.ids.tolist(), encoding.picks.tolist()

        def at(place: int) -> Written:
            return lambda one: self._decoded(
                [*ids[:place], one, *ids[place + 1 :]], skip_special=len(places) == 1
            )

        return [at(place) for place in places]

    def _in_text(self, parts: Sequence[str], number: int) -> Written:
        mask = self.vocabulary.mask
        before, after = mask.join(parts[:number]), mask.join(parts[number:])
        return lambda one: before + self._decoded([one]).strip() + after

    def _decoded(self, ids: Sequence[int], *, skip_special: bool = False) -> str:
        return self.vocabulary.decode(ids, skip_special=skip_special)
