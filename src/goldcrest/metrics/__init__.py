"""Prometheus metrics: records and reports come in as data, gauges are read when scraped."""

from goldcrest.metrics.collecting import Metrics, Readings
from goldcrest.metrics.specs import SPECS, Spec

__all__ = ["SPECS", "Metrics", "Readings", "Spec"]
