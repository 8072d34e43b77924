"""What a comparison saw: plain values that are written as JSON and read again by other tools."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from goldcrest.errors import ConfigError

FORMAT = 1

MeasureName = Literal["quality", "p99", "throughput", "memory", "start", "swap", "artifact"]
"""What contenders are compared by."""
TargetName = Literal["cpu", "edge", "serverless"]
"""Where a model will run."""
Updates = Literal["rarely", "daily", "hourly"]
"""How often a new version comes."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What it ran on.

    Attributes:
        features: of the processor, those that decide how fast a precision is.
        cores: that this process may use.
    """

    processor: str
    features: tuple[str, ...] = ()
    cores: int = 0


class Texts(msgspec.Struct, frozen=True, kw_only=True):
    """What the models were asked.

    Attributes:
        name: of the file; of made-up texts what they are like.
        n: items that speed was measured with.
        n_rows: items that quality was measured with; 0 where it was not.
        mean_characters: of an item.
    """

    name: str
    n: int
    n_rows: int = 0
    mean_characters: float = 0.0
    is_made_up: bool = True
    is_labelled: bool = False


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """How good a model is on the texts.

    Attributes:
        metric: such as "accuracy"; "agreement" and "cosine" are with the first contender.
        low: lower end of the 95 % interval.
        high: its upper end.
    """

    metric: str
    value: float
    low: float
    high: float
    n_rows: int


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What one process saw of a contender.

    Attributes:
        first_start_s: from the start of a process to its first answer, with an empty cache folder.
        second_start_s: the same with what the first start left there.
        resident_bytes: of the process after it worked.
        peak_bytes: the most that it held until then, and while a version was swapped in if one was.
        swap_s: from the order to swap a version in until it had taken over; None: not tried here.
        p50_ms: latency of one text, with one caller.
        n_timed: texts that latencies were taken of.
        texts_per_s: with many callers, so that grids grow to the knee of the rate.
        arithmetic: graph and hint that ran, such as "int8+bf16".
        others_cores: processors that others on the machine kept busy meanwhile; None: unknown.
    """

    first_start_s: float
    second_start_s: float
    resident_bytes: int
    peak_bytes: int
    swap_s: float | None = None
    p50_ms: float
    p95_ms: float
    p99_ms: float
    n_timed: int
    texts_per_s: float
    precision: str
    arithmetic: str
    others_cores: float | None = None


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A contender and what it has to show: medians over its rounds.

    Attributes:
        name: as it is called in the report.
        model: as it was given.
        asked: the precision asked for.
        precision: the one that ran.
        task: what the model was trained for.
        n_parameters: numbers that training set; what layers share counts once.
        artifact_bytes: of the files that a machine needs to run it.
        n_timed: texts that latencies were taken of, in all rounds.
        others_cores: the most of any round.
        rounds: one after the other.
    """

    name: str
    model: str
    asked: str
    precision: str
    family: str
    task: str
    n_parameters: int
    artifact_bytes: int
    first_start_s: float
    second_start_s: float
    swap_s: float | None = None
    resident_bytes: int
    peak_bytes: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    n_timed: int
    texts_per_s: float
    others_cores: float | None = None
    quality: Judged | None = None
    rounds: tuple[Round, ...] = ()


class Failure(msgspec.Struct, frozen=True):
    """A contender that could not be measured, and why."""

    name: str
    reason: str


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """What a contender must keep.

    Attributes:
        bound: in seconds, bytes or as a share: the least quality, or the most of anything else.
        by: who asks for it: a flag such as "--max-p99", or a target such as "serverless".
    """

    measure: MeasureName
    bound: float
    by: str


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that a contender does not keep."""

    name: str
    value: float
    limit: Limit


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Which contender suits, and why.

    Attributes:
        weights: of each measure.
        chosen: the name of a contender; empty where none keeps every limit.
        nearest: the one that is least beyond its limits, where none keeps them.
        reason: a sentence.
        broken: every limit that is not kept.
    """

    target: TargetName
    updates: Updates
    weights: Mapping[MeasureName, float]
    limits: tuple[Limit, ...] = ()
    chosen: str = ""
    nearest: str = ""
    reason: str
    broken: tuple[Broken, ...] = ()


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """All of a comparison.

    Attributes:
        n_threads: of the engine; 0: as many as the process may use.
        seconds: that latency, and throughput, were measured for in each round.
        notes: what to mind.
        began_at: in ISO form, UTC.
    """

    machine: Machine
    texts: Texts
    measured: tuple[Measured, ...]
    failures: tuple[Failure, ...] = ()
    choice: Choice | None = None
    n_threads: int = 0
    n_rounds: int = 1
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    began_at: str = ""
    version: str = ""
    format: int = FORMAT

    def named(self, name: str) -> Measured:
        """The contender of that name.

        Raises:
            KeyError: there is none.
        """
        for one in self.measured:
            if one.name == name:
                return one
        raise KeyError(name)


def write(comparison: Comparison, file: Path) -> None:
    """Write a comparison as JSON."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(comparison), indent=1) + b"\n")


def read(file: Path) -> Comparison:
    """Read a comparison.

    Raises:
        ConfigError: there is none, or it is not one that this version reads.
    """
    try:
        return msgspec.json.decode(file.read_bytes(), type=Comparison)
    except OSError as error:
        raise ConfigError(f"the comparison {file} cannot be read: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{file} is not a report of goldcrest compare: {error}") from error
