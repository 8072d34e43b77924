"""What is known of a stage that was trained: plain values, written as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import msgspec

from goldcrest.config.machine import usable_processors
from goldcrest.distill.config import Stage
from goldcrest.engine.processor import processor
from goldcrest.names import ProblemType


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where it was trained.

    Attributes:
        device: "cpu" or "cuda".
        features: of the processor, those that decide how fast a precision is.
    """

    device: str
    processor: str
    features: tuple[str, ...]
    cores: int


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """How a student came to be.

    Attributes:
        labels: names of the outputs, in order.
        problem_type: what they are; None where the student is no classifier.
        n_rows: texts, or pairs, that it was trained on.
        n_tokens: of them all.
        n_held_back: name of a set -> its rows.
        n_duplicates: rows left out because their text came before.
        n_contradicting: texts left out because they came with several labels.
        n_shared: texts left out because they are held back too.
        n_cut: texts that lost tokens to the longest length.
        vocabulary: tokens that it knows.
        fresh: names of the tensors that began at random.
        seconds: in training; reading and the teacher's answers are not counted.
        curve: a point for each stretch of steps: the step, and the mean of each loss.
        arithmetic: bf16 or f32.
        versions: package -> version.
    """

    stage: Stage
    labels: tuple[str, ...]
    problem_type: ProblemType | None = None
    n_rows: int
    n_tokens: int
    n_held_back: Mapping[str, int]
    n_duplicates: int
    n_contradicting: int
    n_shared: int
    n_cut: int
    n_parameters: int
    vocabulary: int
    fresh: tuple[str, ...]
    steps: int
    seconds: float
    curve: tuple[Mapping[str, float], ...]
    arithmetic: str
    machine: Machine
    versions: Mapping[str, str]


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """How good a model is on a set that was held back.

    Attributes:
        value: of the metric; ``low`` and ``high`` are its 95 % interval.
        n_cut: texts that lost tokens to the longest length.
        reference: the model whose answers it was compared with; empty where it was with labels.
        nearest: of an embedder, the share of the ten nearest texts that are the reference's too.
    """

    model: str
    data: str
    metric: str
    value: float
    low: float
    high: float
    n_rows: int
    n_cut: int = 0
    reference: str = ""
    nearest: float | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A stage that was trained, and how good the result is.

    Attributes:
        command: that made it, as a list of arguments.
        began_at: date and time in UTC.
    """

    training: Training
    judged: tuple[Judged, ...]
    command: tuple[str, ...] = ()
    began_at: str = ""


_PACKAGES = ("goldcrest", "torch", "transformers", "tokenizers", "safetensors", "numpy")


def machine(device: str) -> Machine:
    """This machine."""
    here = processor()
    return Machine(
        device=device, processor=here.name, features=here.noteworthy, cores=usable_processors()
    )


def versions() -> dict[str, str]:
    """The packages that decide the last digits of weights."""
    return {name: version(name) for name in _PACKAGES}


def write(result: msgspec.Struct, file: Path) -> None:
    """Write a result as JSON, for people to read too."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
