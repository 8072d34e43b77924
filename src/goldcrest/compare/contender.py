"""What is compared: a model in a precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from goldcrest.config import Precision
from goldcrest.errors import ConfigError

PRECISIONS: tuple[Precision, ...] = get_args(Precision)


@dataclass(frozen=True, slots=True)
class Contender:
    """A model, and the precision that it runs in.

    Attributes:
        name: what it is called in the report.
        model: a folder, a built-in name or a Hub id.
    """

    name: str
    model: str
    precision: Precision = "auto"


def read_contenders(given: Sequence[str]) -> tuple[Contender, ...]:
    """Read contenders as they are written on the command line: MODEL, or MODEL:PRECISION.

    A folder is called by its last part where no other contender is called the same.

    Raises:
        ConfigError: one is written twice.
    """
    if len(set(given)) < len(given):
        twice = next(text for text in given if given.count(text) > 1)
        raise ConfigError(f"{twice} is named twice; each MODEL:PRECISION is compared once")
    parts = [_split(text) for text in given]
    short = [_short(model, precision) for model, precision in parts]
    return tuple(
        Contender(name if short.count(name) == 1 else text, model, precision or "auto")
        for name, text, (model, precision) in zip(short, given, parts, strict=True)
    )


def _short(model: str, precision: Precision | None) -> str:
    folder = Path(model).expanduser()
    name = folder.resolve().name if folder.is_dir() else model
    return f"{name}:{precision}" if precision else name


def _split(text: str) -> tuple[str, Precision | None]:
    """A model and the precision behind its last colon, if that is one."""
    model, colon, last = text.rpartition(":")
    found = next((name for name in PRECISIONS if name == last), None)
    return (model, found) if colon and found else (text, None)
