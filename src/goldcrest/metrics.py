"""Prometheus metrics: records and reports come in as data, gauges are read when scraped."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from threading import Lock
from typing import Literal

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from goldcrest.values import BatchReport, RequestRecord, ServedModel

Labels = tuple[str, ...]
SECONDS = tuple(round(0.0005 * 1.5**step, 6) for step in range(28))
"""Bounds from 0.5 ms to 28 s, each half as much again as the one before."""
JOBS = tuple(float(2**step) for step in range(11))
TOKENS = tuple(float(16 * 2**step) for step in range(11))


@dataclass(frozen=True, slots=True)
class Spec:
    """One metric, described.

    Attributes:
        bounds: of a histogram's buckets, ascending.
    """

    name: str
    kind: Literal["counter", "histogram", "gauge"]
    help: str
    labels: Labels = ()
    bounds: tuple[float, ...] = ()


SPECS: Mapping[str, Spec] = {
    spec.name.removeprefix("goldcrest_").removesuffix("_total"): spec
    for spec in (
        Spec(
            "goldcrest_requests_total",
            "counter",
            "Requests by outcome: ok, or the code of the error.",
            ("task", "model", "outcome"),
        ),
        Spec(
            "goldcrest_request_seconds",
            "histogram",
            "From the call of the service to its reply.",
            ("task", "model"),
            SECONDS,
        ),
        Spec("goldcrest_items_total", "counter", "Texts asked for.", ("task", "model")),
        Spec("goldcrest_tokens_total", "counter", "Tokens of answered texts.", ("model",)),
        Spec("goldcrest_truncated_items_total", "counter", "Texts that lost tokens.", ("model",)),
        Spec(
            "goldcrest_caller_tokens_total",
            "counter",
            "Tokens of answered texts by the name of the key that was shown.",
            ("caller",),
        ),
        Spec(
            "goldcrest_http_responses_total",
            "counter",
            "HTTP answers, refusals too; no route: an unknown path; 499: the caller left.",
            ("route", "status"),
        ),
        Spec("goldcrest_batches_total", "counter", "Grids that were run.", ("model",)),
        Spec("goldcrest_batch_jobs", "histogram", "Texts per grid.", ("model",), JOBS),
        Spec("goldcrest_batch_tokens", "histogram", "Tokens per grid.", ("model",), TOKENS),
        Spec("goldcrest_grid_tokens_total", "counter", "Tokens run in grids.", ("model",)),
        Spec(
            "goldcrest_grid_slots_total",
            "counter",
            "Token slots of the grids run; grid tokens over slots is how full they were.",
            ("model",),
        ),
        Spec("goldcrest_engine_busy_seconds_total", "counter", "Time in the engine.", ("model",)),
        Spec(
            "goldcrest_engine_cpu_seconds_total",
            "counter",
            "Processor time of the engine's threads.",
            ("model",),
        ),
        Spec(
            "goldcrest_engine_idle_while_waiting_seconds_total",
            "counter",
            "Time an engine stood idle while a text was waiting for it.",
            ("model",),
        ),
        Spec(
            "goldcrest_engine_predicted_seconds_total",
            "counter",
            "Time the cost table expected; compare with the busy time.",
            ("model",),
        ),
        Spec(
            "goldcrest_queue_seconds",
            "histogram",
            "From a text's arrival to the start of its grid.",
            ("model",),
            SECONDS,
        ),
        Spec("goldcrest_waiting_tokens", "gauge", "Tokens that wait for an engine."),
        Spec("goldcrest_waiting_jobs", "gauge", "Texts that wait for an engine."),
        Spec("goldcrest_in_flight_requests", "gauge", "Requests being answered."),
        Spec(
            "goldcrest_model_ready",
            "gauge",
            "1 for a model that answers, 0 for one that loads.",
            ("model", "precision"),
        ),
        Spec("goldcrest_info", "gauge", "Always 1; the label is the version.", ("version",)),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Where the gauges are read, at the moment of the scrape."""

    waiting_tokens: Callable[[], int] = lambda: 0
    waiting_jobs: Callable[[], int] = lambda: 0
    n_in_flight: Callable[[], int] = lambda: 0
    models: Callable[[], Sequence[ServedModel]] = lambda: ()


class _Counter:
    """Numbers that only grow, by label values; its owner holds the lock."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._values: dict[Labels, float] = {}

    def add(self, labels: Labels, amount: float) -> None:
        self._values[labels] = self._values.get(labels, 0.0) + amount

    def family(self) -> Metric:
        family = CounterMetricFamily(self._spec.name, self._spec.help, labels=self._spec.labels)
        for labels, value in self._values.items():
            family.add_metric(labels, value)
        return family


class _Histogram:
    """Counts per bucket, by label values; its owner holds the lock.

    The client library's own histogram takes a lock for every value and walks the buckets one by
    one; a batch brings a waiting time for each of its texts.
    """

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._counts: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}

    def add(self, labels: Labels, values: Iterable[float]) -> None:
        bounds = self._spec.bounds
        counts = self._counts.get(labels)
        if counts is None:
            counts = self._counts[labels] = [0] * (len(bounds) + 1)
            self._sums[labels] = 0.0
        total = 0.0
        for value in values:
            counts[bisect_left(bounds, value)] += 1
            total += value
        self._sums[labels] += total

    def family(self) -> Metric:
        family = HistogramMetricFamily(self._spec.name, self._spec.help, labels=self._spec.labels)
        names = [*map(str, self._spec.bounds), "+Inf"]
        for labels, counts in self._counts.items():
            buckets = list(zip(names, accumulate(counts), strict=True))
            family.add_metric(labels, buckets, self._sums[labels])
        return family


class Metrics(Collector):
    """Counts what it is told and renders it; may be called from any thread."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, *, version: str, readings: Readings | None = None) -> None:
        self.version = version
        self._readings = readings or Readings()
        self._lock = Lock()
        self._counters = {k: _Counter(s) for k, s in SPECS.items() if s.kind == "counter"}
        self._histograms = {k: _Histogram(s) for k, s in SPECS.items() if s.kind == "histogram"}
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def record(self, record: RequestRecord) -> None:
        """Count one request, answered or not."""
        one, by_task = (record.model,), (record.task, record.model)
        counters = self._counters
        with self._lock:
            counters["requests"].add((*by_task, record.outcome), 1)
            counters["items"].add(by_task, record.n_items)
            counters["tokens"].add(one, record.n_tokens)
            counters["truncated_items"].add(one, record.n_truncated)
            if record.caller:
                counters["caller_tokens"].add((record.caller,), record.n_tokens)
            self._histograms["request_seconds"].add(by_task, (record.seconds,))

    def answered(self, route: str, status: int) -> None:
        """Count one HTTP answer by its row of the table of routes."""
        with self._lock:
            self._counters["http_responses"].add((route, str(status)), 1)

    def report(self, report: BatchReport) -> None:
        """Count one run of an engine."""
        lane = (report.lane,)
        amounts = (
            ("batches", 1),
            ("grid_tokens", report.n_tokens),
            ("grid_slots", report.shape.n_slots),
            ("engine_busy_seconds", report.run_s),
            ("engine_cpu_seconds", report.cpu_s),
            ("engine_idle_while_waiting_seconds", report.idle_s),
            ("engine_predicted_seconds", report.predicted_s),
        )
        with self._lock:
            for name, amount in amounts:
                self._counters[name].add(lane, amount)
            self._histograms["batch_jobs"].add(lane, (report.n_jobs,))
            self._histograms["batch_tokens"].add(lane, (report.n_tokens,))
            self._histograms["queue_seconds"].add(lane, report.waited_s)

    def render(self) -> bytes:
        """Return everything in the Prometheus text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Yield the families; the registry calls this at every scrape."""
        with self._lock:
            families = [kept.family() for kept in self._counters.values()]
            families += [kept.family() for kept in self._histograms.values()]
        yield from families
        yield from self._gauges()

    def _gauges(self) -> Iterator[Metric]:
        readings = self._readings
        yield _gauge("waiting_tokens", {(): readings.waiting_tokens()})
        yield _gauge("waiting_jobs", {(): readings.waiting_jobs()})
        yield _gauge("in_flight_requests", {(): readings.n_in_flight()})
        models: dict[Labels, float] = {
            (model.name, model.precision): model.is_ready for model in readings.models()
        }
        yield _gauge("model_ready", models)
        yield _gauge("info", {(self.version,): 1})


def _gauge(key: str, values: Mapping[Labels, float]) -> Metric:
    spec = SPECS[key]
    family = GaugeMetricFamily(spec.name, spec.help, labels=spec.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family
