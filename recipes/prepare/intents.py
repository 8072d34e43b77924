"""Requests and their intents, for a classifier of many labels that is trained to be measured only."""

from __future__ import annotations

import json
import random
from pathlib import Path

from recipes.prepare.rows import Prepared, Row
from recipes.prepare.texts import clean, key, read

CALIBRATION_TEXTS = 2_000


def _rows(pairs: list[tuple[str, str]]) -> dict[str, Row]:
    return {key(text): {"text": clean(text), "label": intent} for text, intent in pairs}


def prepare(data: Path, _base: Path, *, seed: int = 0) -> Prepared:
    """Read clinc150's 150 intents: its own test set is held back, its dev set is trained on."""
    parts = json.loads(read(data / "clinc150" / "data_full.json"))
    test = _rows(parts["test"])
    learnt = _rows(parts["train"] + parts["val"])
    train = [row for text_key, row in learnt.items() if text_key not in test]
    texts = [str(row["text"]) for row in train]
    rng = random.Random(seed)  # noqa: S311 - variety, not secrecy
    return Prepared(
        train=train,
        held_back={"clinc150": list(test.values())},
        calibration=rng.sample(texts, CALIBRATION_TEXTS),
        n_train={"clinc150": len(train)},
    )
