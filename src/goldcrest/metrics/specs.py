"""Every metric, described."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Labels = tuple[str, ...]
SECONDS = tuple(round(0.0005 * 1.5**step, 6) for step in range(28))
"""Bounds from 0.5 ms to 28 s, each half as much again as the one before."""
DOOR_SECONDS = tuple(round(0.00005 * 1.6**step, 7) for step in range(29))
"""Bounds from 0.05 ms to 26 s: kept answers and refusals are told from what an engine ran."""
JOBS = tuple(float(2**step) for step in range(11))
TOKENS = tuple(float(16 * 2**step) for step in range(11))
_LENGTHS = (4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 2048)
LENGTHS = tuple(map(float, _LENGTHS))
"""Bounds in tokens; every limit that ``goldcrest lengths`` weighs is one."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One metric, described.

    Attributes:
        bounds: of a histogram's buckets, ascending.
        merge: how one figure is made of those of several processes; all but gauges are summed.
    """

    name: str
    kind: Literal["counter", "histogram", "gauge"]
    help: str
    labels: Labels = ()
    bounds: tuple[float, ...] = ()
    merge: Literal["sum", "min", "max"] = "sum"

    @property
    def key(self) -> str:
        """Its name among ours: without what all names begin with, or all counters end with."""
        return self.name.removeprefix("goldcrest_").removesuffix("_total")


SPECS: Mapping[str, Spec] = {
    spec.key: spec
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
            "goldcrest_text_tokens",
            "histogram",
            "Tokens that a text had, those that were cut off too.",
            ("model",),
            LENGTHS,
        ),
        Spec(
            "goldcrest_cascade_items_total",
            "counter",
            "Texts that came to a member of a cascade: answered by it, or escalated to the next.",
            ("cascade", "member", "outcome"),
        ),
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
        Spec(
            "goldcrest_http_seconds",
            "histogram",
            "From the head of a request to its answer, both within the server.",
            ("route", "status"),
            DOOR_SECONDS,
        ),
        Spec(
            "goldcrest_rpc_responses_total",
            "counter",
            "Answers of gRPC, refusals too; CANCELLED: the caller left.",
            ("method", "code"),
        ),
        Spec("goldcrest_batches_total", "counter", "Grids that were run.", ("model",)),
        Spec(
            "goldcrest_dispatches_total",
            "counter",
            "Grids by the reason for which they were formed.",
            ("model", "reason"),
        ),
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
            "goldcrest_loop_cpu_seconds_total",
            "counter",
            "Processor time of the event loop, and of tokenising beside it.",
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
            ("model", "priority"),
            SECONDS,
        ),
        Spec("goldcrest_waiting_tokens", "gauge", "Tokens that wait for an engine.", ("priority",)),
        Spec(
            "goldcrest_waiting_bytes",
            "gauge",
            "Bytes of text that wait, those to be tokenised too.",
            ("priority",),
        ),
        Spec(
            "goldcrest_refusals_total",
            "counter",
            "Requests that were not admitted, by what was full.",
            ("reason", "priority"),
        ),
        Spec("goldcrest_hung_slots", "gauge", "Engine slots that were given up as hung."),
        Spec(
            "goldcrest_cache_lookups_total",
            "counter",
            "Texts looked up: hit, shared (level two), joined (a twin in flight), miss.",
            ("model", "outcome"),
        ),
        Spec(
            "goldcrest_cache_evictions_total",
            "counter",
            "Answers that were let go: full, old, or memory was short.",
            ("reason",),
        ),
        Spec("goldcrest_cache_entries", "gauge", "Answers that are kept."),
        Spec(
            "goldcrest_cache_shared_total",
            "counter",
            "Answers at the second level: read, corrupt (foreign too), late, written, dropped.",
            ("outcome",),
        ),
        Spec(
            "goldcrest_breaker_open",
            "gauge",
            "1 while calls to it are not even tried, else 0.",
            ("name",),
            merge="max",
        ),
        Spec(
            "goldcrest_breaker_failures_total",
            "counter",
            "Calls that failed or took too long.",
            ("name",),
        ),
        Spec(
            "goldcrest_memory_bytes",
            "gauge",
            "Memory by part; resident is all of the process.",
            ("part",),
        ),
        Spec("goldcrest_memory_limit_bytes", "gauge", "What the process may have; 0: unknown."),
        Spec(
            "goldcrest_memory_pressure",
            "gauge",
            "0: none; 1: the cache shrinks; 2: the ladder too; 3: work is refused too.",
            merge="max",
        ),
        Spec(
            "goldcrest_model_changes_total",
            "counter",
            "Models opened, closed, replaced by a fresh engine, or found broken.",
            ("model", "change"),
        ),
        Spec("goldcrest_workers", "gauge", "Processes that serve."),
        Spec(
            "goldcrest_worker_restarts_total",
            "counter",
            "Processes that were replaced, by why.",
            ("reason",),
        ),
        Spec("goldcrest_waiting_jobs", "gauge", "Texts that wait for an engine."),
        Spec("goldcrest_in_flight_requests", "gauge", "Requests being answered."),
        Spec(
            "goldcrest_model_ready",
            "gauge",
            "1 for a model that answers, 0 for one that loads.",
            ("model", "precision"),
            merge="min",
        ),
        Spec(
            "goldcrest_info",
            "gauge",
            "Always 1; the label is the version.",
            ("version",),
            merge="max",
        ),
    )
}
"""Ours, by their keys."""

PROCESS: Mapping[str, Spec] = {
    spec.key: spec
    for spec in (
        Spec("process_cpu_seconds_total", "counter", "Processor time used."),
        Spec("process_resident_memory_bytes", "gauge", "Memory in use; several may share some."),
        Spec("process_virtual_memory_bytes", "gauge", "Addresses in use."),
        Spec("process_start_time_seconds", "gauge", "When it began, since 1970.", merge="min"),
        Spec("process_open_fds", "gauge", "Files and sockets that are open."),
        Spec("process_max_fds", "gauge", "How many may be, in one process.", merge="min"),
    )
}
"""Of the process, under the names that all Prometheus clients use."""
