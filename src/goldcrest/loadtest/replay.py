"""Arrivals that were recorded: when, and perhaps which text, how long, and of which class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from goldcrest.errors import ConfigError
from goldcrest.loadtest.profiles import read_class, read_lines


@dataclass(frozen=True, slots=True)
class Recorded:
    """Arrivals, in order.

    Attributes:
        offsets: s since the first. *Shape:* ``(n_requests,)``.
        texts: one for each; "" where it was not recorded.
        tokens: the length of each text, 0 where it was not recorded.
        classes: one for each; "" where it was not recorded.
    """

    offsets: NDArray[np.float64]
    texts: Sequence[str]
    tokens: Sequence[int]
    classes: Sequence[str]

    @property
    def seconds(self) -> float:
        return float(self.offsets[-1]) if len(self.offsets) else 0.0

    @property
    def rate(self) -> float:
        """Requests a second, on average."""
        return (len(self.offsets) - 1) / self.seconds if self.seconds else 0.0

    def faster(self, factor: float) -> Recorded:
        """The same arrivals so many times as fast."""
        return Recorded(self.offsets / factor, self.texts, self.tokens, self.classes)


class _Line(msgspec.Struct, rename={"priority": "class"}):
    at: float | datetime
    text: str = ""
    tokens: int = 0
    priority: str = ""


def read_recorded(file: Path) -> Recorded:
    """Read arrivals: a number of seconds a line, or JSON lines with ``at`` and what is known.

    ``at`` is a number of seconds or a date and time; ``text``, ``tokens`` and ``class`` may follow.

    Raises:
        ConfigError: the file cannot be read, or a line is not valid.
    """
    lines = [line for line in read_lines(file) if line.strip()]
    if len(lines) < 2:
        raise ConfigError(f"{file} holds {len(lines)} arrivals; it takes two to have a rate")
    entries = [_entry(file, number, line) for number, line in enumerate(lines, start=1)]
    moments = np.array([_moment(file, entry.at) for entry in entries])
    order = np.argsort(moments, kind="stable")
    kept = [entries[index] for index in order.tolist()]
    ordered = moments[order]
    return Recorded(
        ordered - ordered[0],
        [entry.text for entry in kept],
        [entry.tokens for entry in kept],
        [read_class(entry.priority) for entry in kept],
    )


def _entry(file: Path, number: int, line: str) -> _Line:
    try:
        if line.lstrip().startswith("{"):
            return msgspec.json.decode(line, type=_Line)
        return _Line(at=float(line))
    except (ValueError, msgspec.MsgspecError) as error:
        raise ConfigError(f"line {number} of {file} is not valid: {error}") from error


def _moment(file: Path, at: float | datetime) -> float:
    moment = at if isinstance(at, float) else at.timestamp()
    if not np.isfinite(moment):
        raise ConfigError(f"{file} holds an arrival at {moment}, which is no moment")
    return moment
