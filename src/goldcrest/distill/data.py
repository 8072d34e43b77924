"""The texts of a stage: free of duplicates, and never on both sides of what is held back."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from goldcrest.distill.targets import same
from goldcrest.evaluate.rows import Row, TextSet, texts_of
from goldcrest.values import Item


@dataclass(frozen=True, slots=True)
class Divided:
    """What is trained on, what is evaluated on, and what was left out of training.

    Attributes:
        train: no two of its texts differ in case, spacing or punctuation alone.
        held_back: each file on its own.
        n_duplicates: rows whose text came before.
        n_contradicting: texts that came with several labels.
        n_shared: texts that are held back too.
        n_beyond: texts beyond the number that was asked for.
    """

    train: TextSet
    held_back: tuple[TextSet, ...]
    n_duplicates: int = 0
    n_contradicting: int = 0
    n_shared: int = 0
    n_beyond: int = 0


def key(item: Item) -> str:
    """What two items share that differ only in case, spacing or punctuation."""
    parts = [item] if isinstance(item, str) else [str(part) for part in item]
    return "\n".join(" ".join(re.findall(r"\w+", part.casefold())) or part for part in parts)


def share(item_key: str) -> float:
    """A number from 0 to 1 that depends on nothing but the text."""
    return int(hashlib.sha256(item_key.encode()).hexdigest()[:8], 16) / 16**8


def divide(
    given: Sequence[TextSet],
    held_back: Sequence[TextSet] = (),
    *,
    held_back_share: float = 0.0,
    max_rows: int = 0,
    seed: int = 0,
) -> Divided:
    """Divide texts into those to train on and those to evaluate on.

    Args:
        given: the files of data.
        held_back: files to evaluate on; where there are any, the share is not held back.
        held_back_share: of the texts, by a hash of each.
        max_rows: to train on, drawn at random; 0 for all.
        seed: of that draw.
    """
    agreed, n_duplicates, n_contradicting = _agreed(row for part in given for row in part.rows)
    if held_back:
        parts = tuple(TextSet(part.name, tuple(_first(part.rows).values())) for part in held_back)
    else:
        apart = tuple(row for k, row in agreed.items() if share(k) < held_back_share)
        parts = (TextSet("held back", apart),) if apart else ()
    seen = {key(item) for part in parts for row in part.rows for item in _apart(row.item)}
    train = [row for k, row in agreed.items() if k not in seen]
    kept = _drawn(train, max_rows, seed)
    return Divided(
        train=TextSet("train", tuple(kept)),
        held_back=parts,
        n_duplicates=n_duplicates,
        n_contradicting=n_contradicting,
        n_shared=(len(agreed) - len(train)) if held_back else 0,
        n_beyond=len(train) - len(kept),
    )


def _apart(item: Item) -> tuple[Item, ...]:
    """An item and each of its texts: a pair that is held back keeps both out of training."""
    return (item, *texts_of(item))


def _first(rows: Iterable[Row]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for row in rows:
        found.setdefault(key(row.item), row)
    return found


def _agreed(rows: Iterable[Row]) -> tuple[dict[str, Row], int, int]:
    """One row per text, and none for a text that carries several labels."""
    found: dict[str, Row] = {}
    contradicted: set[str] = set()
    n_rows = 0
    for n_rows, row in enumerate(rows, start=1):  # noqa: B007  # counted
        item_key = key(row.item)
        if not same(found.setdefault(item_key, row).label, row.label):
            contradicted.add(item_key)
    agreed = {k: row for k, row in found.items() if k not in contradicted}
    return agreed, n_rows - len(found), len(contradicted)


def _drawn(rows: list[Row], n: int, seed: int) -> list[Row]:
    if not 0 < n < len(rows):
        return rows
    chosen = np.random.default_rng(seed).choice(len(rows), n, replace=False)
    return [rows[index] for index in sorted(chosen)]
