"""What the answers for Hugging Face's clients are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from goldcrest.tasks import Entity, Filling, Passage
from goldcrest.values import Floats

Row = dict[str, Any]
NOTHING: Row = {"score": 0.0, "start": 0, "end": 0, "answer": ""}
"""Of a context that answers nothing."""


def scored(labels: Sequence[str], scores: Floats) -> list[Row]:
    """Labels and their scores, best first."""
    return [{"label": labels[index], "score": scores[index]} for index in falling(scores)]


def falling(scores: Floats) -> list[int]:
    """Places by falling score; of equal ones the earlier first."""
    order: list[int] = np.argsort(-scores, kind="stable").tolist()
    return order


def entity_row(entity: Entity) -> Row:
    """A token, or a group of them, each under the names that it has there."""
    place = {"start": entity.start, "end": entity.end}
    if entity.index is None:
        found = {"entity_group": entity.label, "score": entity.score, "word": entity.word}
        return {**found, **place}
    found = {"entity": entity.label, "score": entity.score}
    return {**found, "index": entity.index, "word": entity.word, **place}


def passage_row(passage: Passage) -> Row:
    """A part of a context that answers a question."""
    return {
        "score": passage.score,
        "start": passage.start,
        "end": passage.end,
        "answer": passage.text,
    }


def filling_row(filling: Filling) -> Row:
    """A token for a mask."""
    return {
        "score": filling.score,
        "token": filling.token_id,
        "token_str": filling.token,
        "sequence": filling.text,
    }
