"""What an optimisation found: plain values, written as JSON beside the artifact."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from goldcrest.errors import ConfigError

FORMAT = 1

Verdict = Literal["reference", "passed", "refused", "failed"]
"""f32 itself; within the limit; outside it; could not be made or run."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What it was measured on.

    Attributes:
        features: those that decide how fast a precision is, such as "amx_int8".
        threads: of the engine.
    """

    processor: str
    features: tuple[str, ...]
    threads: int
    runtime: str


class Texts(msgspec.Struct, frozen=True, kw_only=True):
    """What it was measured with.

    Attributes:
        n_held_back: rows that quality was measured on.
        n_calibration: texts or pairs that INT8 could calibrate on.
        n_timed: texts or pairs that speed was measured on.
        mean_tokens: of those.
        n_truncated: texts that were longer than the model's limit and lost their end.
    """

    data: str
    held_back: str
    is_labelled: bool
    n_held_back: int
    n_calibration: int
    n_timed: int = 0
    mean_tokens: float = 0.0
    n_truncated: int = 0


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """Points of quality lost against f32, paired, with the 95 % interval.

    Attributes:
        metric: what they are points of.
        limit: points that may be lost.
        is_unclear: whether the rows are too few to tell on which side of the limit it is.
    """

    points: float
    low: float
    high: float
    metric: str
    limit: float
    is_unclear: bool


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How fast a candidate is on the texts given, medians over rounds in turn with the others.

    Attributes:
        texts_per_s: of a backlog, in the grids that a server would form.
        least_texts_per_s: in the slowest round.
        most_texts_per_s: in the fastest round.
        lone_ms: a text alone, of those of many lengths.
        grid: the shape that ran most of the tokens.
    """

    texts_per_s: float
    least_texts_per_s: float
    most_texts_per_s: float
    tokens_per_s: float
    lone_ms: float
    grid: str


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One way to run the model.

    Attributes:
        name: such as "int8+bf16": the variant, and the arithmetic of what it does not quantise.
        precision: what the settings call it.
        reason: of the verdict, as a sentence.
        value: quality; None where it could not be measured.
        low: lower end of its own 95 % interval.
        high: its upper end.
        pace: None where it was not measured.
        grown_bytes: what opening and warming it added to a fresh process.
        start_s: from the start of that process to its first answer.
        file_bytes: of the graph.
    """

    name: str
    precision: str
    variant: str
    verdict: Verdict
    reason: str = ""
    value: float | None = None
    low: float = 0.0
    high: float = 0.0
    loss: Loss | None = None
    pace: Pace | None = None
    grown_bytes: int = 0
    start_s: float = 0.0
    file_bytes: int = 0

    @property
    def is_within(self) -> bool:
        """Whether it may be served."""
        return self.verdict in ("reference", "passed")


class SchemeTried(msgspec.Struct, frozen=True, kw_only=True):
    """One way to make INT8.

    Attributes:
        error: of its outputs against f32, in standard deviations of those.
        problem: why it could not be made; empty where it was.
        seconds: that making it took.
    """

    scheme: str
    error: float | None = None
    problem: str = ""
    seconds: float = 0.0


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What INT8 needed in float to pass.

    Attributes:
        errors: per block, the error that was left with this one alone in float.
        blocks: that stay in float; None where not even many of them would do.
    """

    errors: dict[str, float]
    blocks: tuple[str, ...] | None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that was tried, and what came of it.

    Attributes:
        model: as it was named.
        max_drop: points that a candidate may lose.
        demanded: precisions that were to pass, and alone to be written; empty where any was
            welcome.
        schemes: ways to make INT8 that were tried.
        scheme: the one that INT8 was made by, with what it keeps in float; empty where there is
            no INT8.
        kept: what INT8 needed in float; None where it passed without.
        fastest: the candidate within the limit that is the fastest here; empty where nothing was
            written.
        artifact: the folder; empty where nothing was written.
        refusal: why nothing was written; empty where an artifact was.
        command: that made the report.
    """

    format: int = FORMAT
    version: str
    began_at: str
    model: str
    task: str
    metric: str
    max_drop: float
    demanded: tuple[str, ...] = ()
    machine: Machine
    texts: Texts
    tried: tuple[Tried, ...]
    schemes: tuple[SchemeTried, ...] = ()
    scheme: str = ""
    kept: Kept | None = None
    fastest: str = ""
    artifact: str = ""
    artifact_bytes: int = 0
    refusal: str = ""
    command: tuple[str, ...] = ()

    def of(self, name: str) -> Tried:
        """What was found of a candidate."""
        return next(one for one in self.tried if one.name == name)


def write(report: Report, file: Path) -> None:
    """Write a report as JSON."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")


def read(file: Path) -> Report:
    """Read what `write` wrote.

    Raises:
        ConfigError: it cannot be read, or is of a format that this version does not know.
    """
    try:
        report = msgspec.json.decode(file.read_bytes(), type=Report)
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigError(f"{file} is no report of goldcrest optimize: {error}") from error
    if report.format != FORMAT:
        raise ConfigError(f"{file} has format {report.format}, this version reads {FORMAT}")
    return report
