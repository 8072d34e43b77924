"""The frozen words that everyone shares; imports nothing of ours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]
Arrays = Mapping[str, Floats]
"""What an engine returns: output name -> array."""

Task = Literal["classify", "embed"]
Pooling = Literal["cls", "mean", "max"]
ProblemType = Literal["single_label_classification", "multi_label_classification", "regression"]
Overflow = Literal["truncate", "reject"]
Item = str | tuple[str, str] | tuple[int, ...]
"""One text, one pair of texts, or token ids, as given."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """The tokens of one item.

    Attributes:
        ids: *Shape:* ``(n_tokens,)``, special tokens included.
        token_types: *Shape:* ``(n_tokens,)``, or None where the family has none.
        n_dropped: tokens cut off to respect the length limit.
    """

    ids: Ints
    token_types: Ints | None = None
    n_dropped: int = 0

    @property
    def n_tokens(self) -> int:
        return len(self.ids)

    @property
    def is_truncated(self) -> bool:
        return self.n_dropped > 0


@dataclass(frozen=True, slots=True)
class EncodeOptions:
    """What changes an item's tokens, and so its answer.

    Attributes:
        max_length: tokens per item, special ones included; None means the model's own limit.
        overflow: what happens to an item that is longer.
    """

    max_length: int | None = None
    overflow: Overflow = "truncate"


@dataclass(frozen=True, slots=True)
class Urgency:
    """How early an item is answered.

    Attributes:
        head_start_s: seconds by which it counts as having arrived earlier than it did.
        deadline_s: seconds after arrival past which nobody wants the answer; None means never.
    """

    head_start_s: float = 0.0
    deadline_s: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """An encoding that waits for an engine; compared by identity.

    Attributes:
        lane: the version whose engine must run it.
        arrival: seconds on the batcher's clock.
        rank: ``arrival`` minus the head start; the lowest goes first.
        expires: seconds on the same clock, or None.
    """

    encoding: Encoding
    lane: str
    arrival: float
    rank: float
    expires: float | None = None

    @property
    def n_tokens(self) -> int:
        return self.encoding.n_tokens


@dataclass(frozen=True, slots=True, order=True)
class Shape:
    """The size of a grid: ``rows`` rows of ``width`` token slots."""

    rows: int
    width: int

    @property
    def n_slots(self) -> int:
        return self.rows * self.width

    def __str__(self) -> str:
        return f"{self.rows}x{self.width}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Which jobs share which row.

    Attributes:
        rows: for each used row, the indices of its jobs in the list that was offered; at most
            ``shape.rows`` of them.
    """

    shape: Shape
    rows: tuple[tuple[int, ...], ...]

    @property
    def chosen(self) -> tuple[int, ...]:
        """The indices of all jobs of the plan, row by row."""
        return tuple(index for row in self.rows for index in row)

    def renumbered(self) -> Plan:
        """The same plan for a list that holds the chosen jobs alone, in the order of ``chosen``."""
        numbers = count()
        return Plan(self.shape, tuple(tuple(next(numbers) for _ in row) for row in self.rows))


@dataclass(frozen=True, slots=True)
class Grid:
    """The packed inputs of one run.

    Attributes:
        input_ids: *Shape:* ``(rows, width)``; 0 in empty slots.
        positions: *Shape:* ``(rows, width)``; restarts at 0 with every job.
        owners: *Shape:* ``(rows, width)``; the job's place in ``starts``, -1 for nobody.
        token_types: *Shape:* ``(rows, width)``.
        picks: *Shape:* ``(power of two >= n_jobs,)``; flat index of each job's first token.
        starts: *Shape:* ``(n_jobs,)``; flat index of each job's first token.
        lengths: *Shape:* ``(n_jobs,)``.
    """

    input_ids: Ints
    positions: Ints
    owners: Ints
    token_types: Ints
    picks: Ints
    starts: Ints
    lengths: Ints

    @property
    def shape(self) -> Shape:
        return Shape(*self.input_ids.shape)

    @property
    def n_jobs(self) -> int:
        return len(self.starts)

    @property
    def n_tokens(self) -> int:
        return int(self.lengths.sum())


@dataclass(frozen=True, slots=True)
class Answer:
    """One item's result, before presentation.

    Attributes:
        values: *Shape:* ``(n_labels,)`` logits, or ``(n_dimensions,)`` of the pooled vector.
        n_tokens: tokens that were run.
        n_dropped: tokens that were cut off.
    """

    values: Floats
    n_tokens: int
    n_dropped: int = 0


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What one run of an engine did; times in seconds.

    Attributes:
        lane: the version that ran.
        predicted_s: what the cost table expected.
        run_s: what the engine took, wall clock.
        idle_s: how long the slot stood idle just before while a job was waiting.
        cpu_s: processor time the engine's threads used.
        waited_s: per job, from arrival to the start of the run.
    """

    lane: str
    shape: Shape
    n_jobs: int
    n_tokens: int
    predicted_s: float
    run_s: float
    idle_s: float
    cpu_s: float
    waited_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One call of the service, whatever door it came through.

    Attributes:
        model: the name of a served model; None means the default of the task.
        present: options of the head that change nothing but the presentation.
    """

    task: Task
    items: Sequence[Item]
    model: str | None = None
    encode: EncodeOptions = EncodeOptions()
    urgency: Urgency = Urgency()
    present: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the service answers: one presented value per item, in order.

    Attributes:
        outputs: *Shape:* ``(n_items, n_labels)`` probabilities or ``(n_items, n_dimensions)``.
        n_dropped: tokens cut off, per item.
    """

    model: str
    outputs: Floats
    labels: tuple[str, ...]
    n_tokens: tuple[int, ...]
    n_dropped: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """What became of one request; one is written for each, answered or not.

    Attributes:
        model: the model that answered or would have; empty if none was found.
        outcome: "ok", or the code of the error.
        n_truncated: items that lost tokens.
        seconds: from the call of the service to its reply.
    """

    task: str
    model: str
    outcome: str
    n_items: int
    n_tokens: int
    n_truncated: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ServedModel:
    """What a server says of one of its models.

    Attributes:
        task: what it does.
        labels: of a classifier, in the order of its outputs.
        dimensions: of an embedder's vectors; 0 for a classifier.
        precision: the variant and hint that run, such as "int8"; empty until it is chosen.
        max_length: tokens per item, special ones included.
        digest: of the artifact.
        source: where the artifact was made from.
        is_default: whether it answers when a request for its task names no model.
    """

    name: str
    task: Task
    labels: tuple[str, ...]
    dimensions: int
    precision: str
    max_length: int
    digest: str
    source: str
    is_ready: bool
    is_default: bool


Infer = Callable[[Sequence[Item], EncodeOptions, Urgency], Awaitable[Sequence[Answer]]]
"""One version: items in, one answer each."""

Predict = Callable[[Request], Awaitable[Reply]]
"""The service: a request in, a reply out."""
