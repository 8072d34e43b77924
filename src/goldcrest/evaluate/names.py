"""The metrics by name, and which of them fit which model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from goldcrest.names import Readable

MetricName = Literal["accuracy", "f1", "spearman", "exact", "entity_f1", "agreement", "cosine"]
METRICS: tuple[MetricName, ...] = get_args(MetricName)

FITTING: Mapping[Readable, tuple[MetricName, ...]] = {
    "classify": ("accuracy", "f1", "agreement"),
    "embed": ("spearman", "cosine"),
    "tokens": ("entity_f1", "agreement"),
    "span": ("exact", "agreement"),
    "fill": ("accuracy", "agreement"),
}
"""By what a model was trained for; a classifier of a single output has spearman alone."""

RELATIVE: frozenset[MetricName] = frozenset({"agreement", "cosine"})
"""Those that compare with the outputs of another model, and need no labels."""
