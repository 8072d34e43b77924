"""Reranking by a cross-encoder: a classifier of pairs with a single output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goldcrest.errors import InvalidRequest
from goldcrest.heads.numbers import sigmoid
from goldcrest.tasks import Rerank
from goldcrest.values import Answer, Floats, Item


@dataclass(frozen=True, slots=True)
class RerankHead:
    """One score per pair; of a text in windows, that of its best window."""

    labels: tuple[str, ...] = ()

    def expand(self, items: Sequence[Item], task: Rerank) -> Sequence[Item]:
        """The pairs as they are.

        Raises:
            InvalidRequest: an item is no pair of query and text.
        """
        for index, item in enumerate(items):
            if not (isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str)):
                raise InvalidRequest(f"item {index} is no pair of a query and a text")
        return items

    def present(self, items: Sequence[Item], answers: Sequence[Answer], task: Rerank) -> Floats:
        """The sigmoid of each logit, or the logit itself. *Shape:* ``(n_items,)``."""
        logits = np.array([max(w[0] for w in answer.windows) for answer in answers], np.float32)
        return logits if task.raw else sigmoid(logits)
