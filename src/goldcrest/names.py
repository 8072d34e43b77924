"""The names that settings, files and callers write: what may be asked, and how."""

from __future__ import annotations

from typing import Literal

Readable = Literal["classify", "embed", "tokens", "span", "fill"]
"""What a checkpoint was trained for, and so what is read from its graph."""

TaskName = Literal[
    "classify",
    "rerank",
    "zero_shot",
    "embed",
    "similarity",
    "states",
    "tokens",
    "span",
    "fill",
]
"""What may be asked; some readouts serve several tasks."""

Pooling = Literal["cls", "mean", "max"]
ProblemType = Literal["single_label_classification", "multi_label_classification", "regression"]
Overflow = Literal["truncate", "reject", "window"]
