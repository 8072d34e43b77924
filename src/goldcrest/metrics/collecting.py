"""Prometheus metrics: records and reports come in as data, gauges are read when scraped."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from goldcrest.metrics.figures import Figures, Numbers, merged
from goldcrest.metrics.process import Process
from goldcrest.metrics.specs import SPECS, Labels, Spec
from goldcrest.metrics.text import MEDIA_TYPE, rendered

if TYPE_CHECKING:  # they bring numpy, which a process that only supervises does without
    from goldcrest.records import BatchReport, RequestRecord, Sample
    from goldcrest.values import ServedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Where the gauges are read, at the moment of the scrape."""

    waiting_jobs: Callable[[], int] = lambda: 0
    n_in_flight: Callable[[], int] = lambda: 0
    models: Callable[[], Sequence[ServedModel]] = lambda: ()
    samples: Callable[[], Iterable[Sample]] = lambda: ()


class _Counter:
    """Numbers that only grow, by label values; its owner holds the lock."""

    def __init__(self) -> None:
        self._values: dict[Labels, float] = {}

    def add(self, labels: Labels, amount: float) -> None:
        self._values[labels] = self._values.get(labels, 0.0) + amount

    def series(self) -> Mapping[Labels, Numbers]:
        return {labels: (value,) for labels, value in self._values.items()}


class _Histogram:
    """Counts per bucket, by label values; its owner holds the lock.

    The client library's own histogram takes a lock for every value and walks the buckets one by
    one; a batch brings a waiting time for each of its texts.
    """

    def __init__(self, spec: Spec) -> None:
        self._bounds = spec.bounds
        self._counts: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}

    def add(self, labels: Labels, values: Iterable[float]) -> None:
        bounds = self._bounds
        counts = self._counts.get(labels)
        if counts is None:
            counts = self._counts[labels] = [0] * (len(bounds) + 1)
            self._sums[labels] = 0.0
        total = 0.0
        for value in values:
            counts[bisect_left(bounds, value)] += 1
            total += value
        self._sums[labels] += total

    def series(self) -> Mapping[Labels, Numbers]:
        return {labels: (*counts, self._sums[labels]) for labels, counts in self._counts.items()}


class Metrics:
    """Counts what it is told and renders it; may be called from any thread.

    Args:
        version: of the server.
        readings: where the gauges are read.
        opened: when the server was started, in seconds since 1970; None: now.

    Attributes:
        scrape: what a scrape is told: of this process, or of all that serve beside it where
            somebody put that in its place.
    """

    content_type = MEDIA_TYPE

    def __init__(
        self, *, version: str, readings: Readings | None = None, opened: int | None = None
    ) -> None:
        self.version, self.opened = version, opened or int(time.time())
        self._readings = readings or Readings()
        self._lock = Lock()
        self._counters = {k: _Counter() for k, s in SPECS.items() if s.kind == "counter"}
        self._histograms = {k: _Histogram(s) for k, s in SPECS.items() if s.kind == "histogram"}
        self._process = Process()
        self.scrape: Callable[[], Awaitable[bytes]] = self._rendered

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
            if record.lengths:
                self._histograms["text_tokens"].add(one, record.lengths)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count and time one HTTP answer by its row of the table of routes."""
        labels = (route, str(status))
        with self._lock:
            self._counters["http_responses"].add(labels, 1)
            self._histograms["http_seconds"].add(labels, (seconds,))

    def called(self, method: str, code: str) -> None:
        """Count one answer of gRPC by its method."""
        with self._lock:
            self._counters["rpc_responses"].add((method, code), 1)

    def report(self, report: BatchReport) -> None:
        """Count one run of an engine."""
        lane = (report.model,)
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
            self._counters["dispatches"].add((report.model, report.reason), 1)
            for priority in dict.fromkeys(report.priorities):
                waited = zip(report.waited_s, report.priorities, strict=True)
                own = [seconds for seconds, its in waited if its == priority]
                self._histograms["queue_seconds"].add((report.model, priority), own)

    def figures(self) -> Figures:
        """Everything that this process has counted, and its gauges now."""
        with self._lock:
            counted = {key: kept.series() for key, kept in self._counters.items()}
            counted |= {key: kept.series() for key, kept in self._histograms.items()}
        gauges = merged({key: {labels: (float(value),)}} for key, labels, value in self._gauges())
        return {**counted, **gauges, **self._process.figures()}

    def render(self) -> bytes:
        """Return everything in the Prometheus text format."""
        return rendered(self.figures())

    async def _rendered(self) -> bytes:
        return self.render()

    def _gauges(self) -> Iterator[Sample]:
        readings = self._readings
        yield "waiting_jobs", (), readings.waiting_jobs()
        yield "in_flight_requests", (), readings.n_in_flight()
        for model in readings.models():
            yield "model_ready", (model.name, model.precision), model.is_ready
        yield "info", (self.version,), 1
        yield "workers", (), 1
        yield from readings.samples()
