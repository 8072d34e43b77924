"""The user's texts in three parts: to calibrate on, to choose a scheme by, and to judge quality by."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from goldcrest.errors import DataProblem
from goldcrest.evaluate import TextSet
from goldcrest.evaluate.rows import texts_of
from goldcrest.names import Readable
from goldcrest.values import Item

CALIBRATION_SHARE, TUNING_SHARE = 0.2, 0.05
N_CALIBRATION, N_TUNING = 4_000, 400
"""Items at most: 64 grids of 512 tokens are calibrated on, and 6 are compared."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Three parts of a set that share no text.

    Attributes:
        calibration: what INT8 learns its ranges from.
        tuning: what schemes and blocks are compared on.
        held_back: what quality is measured on.
    """

    calibration: tuple[Item, ...]
    tuning: tuple[Item, ...]
    held_back: TextSet


def parted(data: TextSet, task: Readable, held_back: TextSet | None = None) -> Parts:
    """Divide a set, by the digests of its texts: equal texts stay together, in every run.

    Args:
        data: of the user.
        task: an embedder is calibrated on single texts, also where the rows are pairs.
        held_back: what quality is to be measured on; None means the larger part of ``data``.

    Raises:
        DataProblem: there are too few different texts.
    """
    kept = frozenset(row.item for row in held_back.rows) if held_back else frozenset()
    order = _ordered([row.item for row in data.rows if row.item not in kept])
    if held_back is None:
        n_calibration = _share(len(order), CALIBRATION_SHARE, N_CALIBRATION)
        n_tuning = _share(len(order), TUNING_SHARE, N_TUNING)
    else:
        n_tuning = min(N_TUNING, len(order) // 4)
        n_calibration = min(N_CALIBRATION, len(order) - n_tuning)
    calibration = order[:n_calibration]
    tuning = order[n_calibration : n_calibration + n_tuning]
    if held_back is None:
        taken = {*calibration, *tuning}
        held_back = TextSet(data.name, tuple(row for row in data.rows if row.item not in taken))
    if not (calibration and tuning and held_back.rows):
        raise DataProblem(
            f"{data.name} has {len(order)} different texts to calibrate and to judge by"
            f"{' that are not held back' if kept else ''}; "
            "it takes 8 at least, and for a verdict hundreds",
            file=data.name,
        )
    return Parts(_as_run(calibration, task), _as_run(tuning, task), held_back)


def _share(n: int, share: float, most: int) -> int:
    return min(max(1, round(share * n)), most) if n >= 8 else 0


def _ordered(items: Collection[Item]) -> list[Item]:
    """Each item once, in an order that depends on nothing but its text."""
    return sorted(set(items), key=_digest)


def _digest(item: Item) -> bytes:
    return hashlib.blake2b("\x1f".join(texts_of(item)).encode(), digest_size=16).digest()


def _as_run(items: Collection[Item], task: Readable) -> tuple[Item, ...]:
    if task != "embed":
        return tuple(items)
    return tuple(text for item in items for text in texts_of(item))
