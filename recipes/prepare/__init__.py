"""From the data sets as they are published to rows to train on and rows held back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from recipes.prepare import embedder, intents, sentiment
from recipes.prepare.rows import Prepared

# name of a recipe -> (folder of the data sets, folder of all-MiniLM-L6-v2) -> rows
PREPARATIONS: dict[str, Callable[[Path, Path], Prepared]] = {
    "embedder": embedder.prepare,
    "intents": intents.prepare,
    "sentiment": sentiment.prepare,
}

__all__ = ["PREPARATIONS", "Prepared"]
