"""The quality of a model on labelled texts, and whether a change of the model cost any."""

from goldcrest.evaluate.asking import Asks, Output
from goldcrest.evaluate.names import METRICS, RELATIVE, MetricName
from goldcrest.evaluate.quality import (
    Drop,
    Progress,
    Quality,
    check_metric,
    evaluate,
    is_relative,
    metric_for,
    paired,
)
from goldcrest.evaluate.reading import read_set
from goldcrest.evaluate.rows import Label, Row, TextSet

__all__ = [
    "METRICS",
    "RELATIVE",
    "Asks",
    "Drop",
    "Label",
    "MetricName",
    "Output",
    "Progress",
    "Quality",
    "Row",
    "TextSet",
    "check_metric",
    "evaluate",
    "is_relative",
    "metric_for",
    "paired",
    "read_set",
]
