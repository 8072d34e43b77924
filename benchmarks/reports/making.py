"""Checkpoints of the well-known models' sizes, with random weights: speed and memory need no others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import msgspec

from goldcrest.testing import random_checkpoint
from goldcrest.testing.checkpoint import FamilyName

SHAPES = Path(__file__).with_name("shapes.json")


class Shape(msgspec.Struct, frozen=True):
    """The sizes of a model, and the precisions that it is measured in."""

    about: str
    family: str
    sizes: Mapping[str, Any]
    precisions: tuple[str, ...]


def shapes() -> dict[str, Shape]:
    """All models of the report, by name."""
    return msgspec.json.decode(SHAPES.read_bytes(), type=dict[str, Shape])


def contenders() -> list[str]:
    """What is compared, as ``goldcrest compare`` takes it."""
    return [
        f"{name}:{precision}" for name, shape in shapes().items() for precision in shape.precisions
    ]


def make(folder: Path, name: str) -> Path:
    """Write the checkpoint of a model, unless it is there."""
    target, shape = folder / name, shapes()[name]
    if not (target / "model.safetensors").is_file():
        random_checkpoint(target, family=cast("FamilyName", shape.family), **shape.sizes)
    return target
