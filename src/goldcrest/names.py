"""The names that settings, files and callers write: what may be asked, and how."""

from __future__ import annotations

from typing import Literal, get_args

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

Priority = Literal["interactive", "default", "bulk"]
"""Classes of work, the most urgent first."""
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
Reason = Literal["lone", "all", "urgent", "knee", "objective", "cold", "isolating"]
"""Why a grid was formed: one job waited; it took all that waited; it was sized for the most urgent
class alone; it stops at the knee of the rate; or at the longest time a grid may take; no warm shape
held its first job; or it halves a batch that failed."""
