"""What a load test saw: plain values that are written as JSON and read again by other tools."""

from __future__ import annotations

from collections.abc import Mapping
from math import isclose
from pathlib import Path
from typing import Literal

import msgspec

from goldcrest.errors import ConfigError
from goldcrest.loadtest.subject import Client, Server, Target

FORMAT = 1

Mode = Literal["poisson", "even", "replay", "closed"]
"""How requests arrive: at random, evenly, as recorded, or as soon as a client has its answer."""
Kind = Literal["warm-up", "step", "spike", "search", "confirm"]
"""What a stretch of load was for."""

Measure = Literal[
    "p50", "p90", "p95", "p99", "p99.9", "max", "mean", "errors", "refused", "goodput"
]
"""What an objective can be about: latencies of answers, and shares of the requests sent."""


class Quantiles(msgspec.Struct, frozen=True, kw_only=True):
    """Latencies in ms, from when a request was meant to be sent to the end of its answer."""

    n: int
    mean: float
    p50: float
    p90: float
    p95: float
    p99: float
    p99_9: float
    max: float


class Histogram(msgspec.Struct, frozen=True, kw_only=True):
    """Counts per bucket; those of several steps, classes or processes add up.

    Bucket ``i`` holds values in ``[first * growth**i, first * growth**(i + 1))``, bucket 0 all
    smaller ones too. Empty buckets are left out.
    """

    first: float
    growth: float
    counts: Mapping[int, int]


class ProfileSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent.

    Attributes:
        name: of a built-in profile, or of the file.
        classes: share of the requests per class; empty where none is named.
        texts_per_request: in each.
        repeats: share of texts that came before.
        tokens: lengths; of made texts as intended, of given ones as estimated by their characters.
        characters: lengths.
    """

    name: str
    classes: Mapping[str, float] = {}
    texts_per_request: int = 1
    repeats: float = 0.0
    mean_tokens: float = 0.0
    mean_characters: float = 0.0
    tokens: Histogram
    characters: Histogram


class ServerStep(msgspec.Struct, frozen=True, kw_only=True):
    """What the server counted meanwhile, from its metrics.

    Attributes:
        busy_s: in the engine, all models.
        busy_share: of one engine slot's time.
        engine_cpu_s: processor time of the engine's threads.
        cpu_s: processor time of the server's processes; None where it does not say.
        loop_cpu_s: processor time of their event loops; None where it does not say.
        n_tokens: real ones that ran.
        n_slots: token slots of the grids that ran.
        runs: the last grids: the shape, such as "4x64", when it began and what it took, in s.
    """

    busy_s: float
    busy_share: float
    engine_cpu_s: float
    cpu_s: float | None = None
    loop_cpu_s: float | None = None
    n_requests: int = 0
    n_batches: int = 0
    n_tokens: int = 0
    n_slots: int = 0
    n_cache_hits: int = 0
    reasons: Mapping[str, int] = {}
    resident_bytes: int = 0
    runs: tuple[tuple[str, float, float], ...] = ()


class ClassResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the requests of one class."""

    sent: int
    answered: int
    refused: int
    errors: int
    latency: Quantiles
    histogram: Histogram


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the client kept pace: how late requests left, and how busy its processes were.

    Attributes:
        p99_ms: between when a request was meant to leave and when it did.
        cpu_share: processor share of its busiest process.
        n_waited: requests that waited because all connections were taken.
    """

    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_share: float
    n_waited: int


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of load at one rate, or with one number of clients.

    Attributes:
        asked_rate: requests a second that were to be sent; 0 in a closed loop.
        clients: of a closed loop, else 0.
        seconds: that requests were sent for.
        sent: requests that left or were due; answered + refused + the errors.
        answered: with a good answer.
        refused: with 429 or 503 and Retry-After: the server protected itself.
        errors: by kind: a status, or "timeout", "reset", "connect", "malformed", "unanswered".
        rate: answers a second, until the last request was due.
        goodput: share of the requests sent that were answered within the objective's latency, or
            answered at all where the objective names none.
        refusal_ms: how long refusals took, if there were any.
        problem: why this step does not count (the client was the limit); empty if it counts.
        is_within: whether the objective was met; None without one.
        server: None where the server has no metrics that are known.
        starts_at: seconds since the test began.
    """

    kind: Kind
    mode: Mode
    asked_rate: float
    clients: int = 0
    seconds: float
    starts_at: float = 0.0
    sent: int
    answered: int
    refused: int
    errors: Mapping[str, int] = {}
    rate: float
    goodput: float
    latency: Quantiles
    histogram: Histogram
    refusal_ms: Quantiles | None = None
    by_class: Mapping[str, ClassResult] = {}
    lag: Lag
    problem: str = ""
    is_within: bool | None = None
    server: ServerStep | None = None
    timeline: tuple[tuple[float, int, float, int], ...] = ()
    """Per second of the step: (second, answers, p99 in ms of those, errors and refusals)."""

    @property
    def n_errors(self) -> int:
        return sum(self.errors.values())


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """One part of an objective: a measure and its bound, in ms or as a share."""

    measure: Measure
    limit: float


class Slo(msgspec.Struct, frozen=True, kw_only=True):
    """An objective: all terms hold. ``text`` is as it was written."""

    text: str
    terms: tuple[Term, ...]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The highest rate within the objective.

    Attributes:
        rate: requests a second that held in every step that tried it.
        broke_at: the lowest rate tried that did not hold; None: none broke.
        n_confirmed: steps at ``rate`` that held.
        sureness: how likely the rate holds again, from the confirming steps; see ``search``.
        note: in words, what bounds it and how sure it is.
    """

    rate: float
    broke_at: float | None
    n_confirmed: int
    sureness: float
    note: str


class LoadReport(msgspec.Struct, frozen=True, kw_only=True):
    """All of a load test."""

    target: Target
    client: Client
    server: Server | None
    profile: ProfileSummary
    steps: tuple[Step, ...]
    slo: Slo | None = None
    found: Found | None = None
    command: tuple[str, ...] = ()
    began_at: str = ""
    """In ISO form, UTC."""
    notes: tuple[str, ...] = ()
    is_complete: bool = True
    """False if it was ended early."""
    format: int = FORMAT

    @property
    def keeps_slo(self) -> bool:
        """Whether the objective was met, by a rate that was found or in every step; True without one."""
        if self.slo is None:
            return True
        if self.found is not None:
            return self.found.rate > 0
        return bool(self.shown) and all(step.is_within is True for step in self.shown)

    @property
    def is_bounded(self) -> bool:
        """Whether a higher rate than the one that was found broke, and not by the client's fault."""
        broke_at = self.found.broke_at if self.found else None
        return broke_at is not None and any(
            step.is_within is False and not step.problem
            for step in self.steps
            if isclose(step.asked_rate, broke_at, rel_tol=1e-6)
        )

    @property
    def shown(self) -> tuple[Step, ...]:
        """Those that count, and those that met the objective although the client was late."""
        return tuple(
            step
            for step in self.steps
            if step.kind != "warm-up" and (not step.problem or step.is_within)
        )

    @property
    def counted(self) -> tuple[Step, ...]:
        """The steps that count: no warm-up, and the client was not the limit."""
        return tuple(step for step in self.steps if step.kind != "warm-up" and not step.problem)


def write(report: LoadReport, file: Path) -> None:
    """Write a report as JSON."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")


def read(file: Path) -> LoadReport:
    """Read a report.

    Raises:
        ConfigError: there is none, or it is not one that this version reads.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"the report {file} cannot be read: {error.strerror}") from error
    try:
        found = msgspec.json.decode(content, type=_Head).format
        if found != FORMAT:
            raise ConfigError(f"the report {file} has format {found}; this version reads {FORMAT}")
        return msgspec.json.decode(content, type=LoadReport)
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{file} is not a report of goldcrest loadtest: {error}") from error


class _Head(msgspec.Struct):
    format: int
