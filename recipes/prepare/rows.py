"""What a preparation makes: rows to train on, rows held back by set, and texts to calibrate on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, str | int]
"""A text, and its label where it has one; a pair has a second text, `text_pair`."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that a recipe's training and measurements read.

    Attributes:
        train: in the order that the sources have.
        held_back: by set; never trained on.
        calibration: training texts for INT8.
        n_train: rows of each source among those of `train`.
    """

    train: list[Row]
    held_back: dict[str, list[Row]]
    calibration: list[str]
    n_train: dict[str, int]

    def write(self, folder: Path) -> None:
        """Write `train.jsonl`, `held_back/SET.jsonl`, `calibration.txt` and `counts.json`."""
        (folder / "held_back").mkdir(parents=True, exist_ok=True)
        _write_rows(folder / "train.jsonl", self.train)
        for name, rows in self.held_back.items():
            _write_rows(folder / "held_back" / f"{name}.jsonl", rows)
        (folder / "calibration.txt").write_text("\n".join(self.calibration) + "\n", "utf-8")
        n_held_back = {name: len(rows) for name, rows in self.held_back.items()}
        write_json(folder / "counts.json", {"train": self.n_train, "held_back": n_held_back})


def _write_rows(file: Path, rows: Iterable[Row]) -> None:
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    file.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def write_json(file: Path, content: Any) -> None:
    """Write a value as JSON that people can read."""
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
