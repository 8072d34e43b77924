"""The frozen words that everyone shares; imports nothing of ours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from goldcrest.names import Overflow, Priority, ProblemType, Readable, TaskName

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]
Outputs = Floats | Sequence[Floats]
"""An array per job; one array with a row per job where all have the same shape."""
Arrays = Mapping[str, Floats]
"""What an engine returns: output name -> array."""

Item = str | tuple[str, str] | tuple[int, ...]
"""One text, one pair of texts, or token ids, as given."""


@dataclass(frozen=True, slots=True)
class Origins:
    """Where the tokens of an encoding came from.

    Attributes:
        offsets: *Shape:* ``(n_tokens, 2)``; first and last plus one character (code point) of its
            text; 0, 0 for special tokens.
        words: *Shape:* ``(n_tokens,)``; number of the word within its text, -1 for special tokens.
        texts: *Shape:* ``(n_tokens,)``; 0 or 1 for the first or second text of the item, -1 for
            special tokens.
    """

    offsets: Ints
    words: Ints
    texts: Ints


@dataclass(frozen=True, slots=True)
class Encoding:
    """The tokens of one item, or of one window of it.

    Attributes:
        ids: *Shape:* ``(n_tokens,)``, special tokens included.
        token_types: *Shape:* ``(n_tokens,)``, or None where the family has none.
        n_dropped: tokens cut off to respect the length limit.
        picks: *Shape:* ``(n_picks,)``; places of the tokens whose own states are wanted; None means
            what the readout reads of its own accord.
        origins: where the tokens came from, where somebody asks.
    """

    ids: Ints
    token_types: Ints | None = None
    n_dropped: int = 0
    picks: Ints | None = None
    origins: Origins | None = None

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
        overflow: what happens to an item that is longer: it is cut, refused, or read in windows
            of that length.
        stride: tokens that neighbouring windows share; None means a quarter of their room.
        wants_states: whether the state of every token is wanted, rather than one vector.
        splits_first: whether windows split the first text of a pair, rather than the second.
    """

    max_length: int | None = None
    overflow: Overflow = "truncate"
    stride: int | None = None
    wants_states: bool = False
    splits_first: bool = False


@dataclass(frozen=True, slots=True)
class Urgency:
    """How early an item is answered, at whose cost, and whether a kept answer will do.

    Attributes:
        priority: its class; the settings say what head start in seconds a class has. None means
            the class that the settings give to whoever does not say.
        deadline_s: seconds after arrival past which nobody wants the answer; None means never.
        caller: the name of the key that was shown; fair shares are between callers.
        is_kept_fine: whether an answer that was kept from earlier will do.
        may_be_kept: whether the answer may be kept for others.
    """

    priority: Priority | None = None
    deadline_s: float | None = None
    caller: str = ""
    is_kept_fine: bool = True
    may_be_kept: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """An encoding that waits for an engine; compared by identity.

    Attributes:
        lane: the version whose engine must run it.
        arrival: seconds on the batcher's clock, before it was tokenised.
        rank: ``arrival`` minus the head start of its class, plus the seconds of work of the same
            class that its caller had waiting; within a lane the lowest goes first.
        expires: seconds on the same clock, or None.
        priority: its class.
        caller: who is charged for it.
    """

    encoding: Encoding
    lane: str
    arrival: float
    rank: float
    expires: float | None = None
    priority: Priority = "default"
    caller: str = ""

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
        picks: *Shape:* ``(power of two,)``; flat indices of single states, job after job: those
            that a job asks for itself, else its first token.
        pick_counts: *Shape:* ``(n_jobs,)``; how many a job asks for itself; 0 for none.
        starts: *Shape:* ``(n_jobs,)``; flat index of each job's first token.
        lengths: *Shape:* ``(n_jobs,)``.
    """

    input_ids: Ints
    positions: Ints
    owners: Ints
    token_types: Ints
    picks: Ints
    pick_counts: Ints
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
        windows: what was read for each window of the item; one, unless it was split. *Shape* of
            each: ``(n_labels,)`` logits of a text, ``(n_dimensions,)`` of a pooled vector,
            ``(n_tokens, n)`` for every token, ``(n_picks, n)`` for those picked.
        encodings: the tokens of each window.
    """

    windows: tuple[Floats, ...]
    encodings: tuple[Encoding, ...]

    @property
    def n_tokens(self) -> int:
        """Tokens that were run."""
        return sum(encoding.n_tokens for encoding in self.encodings)

    @property
    def n_dropped(self) -> int:
        """Tokens that were cut off."""
        return self.encodings[0].n_dropped


@dataclass(frozen=True, slots=True)
class ServedModel:
    """What a server says of one of its models.

    Attributes:
        task: what it was trained for.
        tasks: everything it can be asked for.
        labels: of its outputs, in order; empty where they have none.
        dimensions: of an embedder's vectors; 0 for others.
        pooling: how an embedder's states become one vector; empty for others.
        precision: the variant and hint that run, such as "int8"; empty until it is chosen.
        max_length: tokens per item, special ones included.
        digest: of the artifact.
        source: where the artifact was made from.
        family: of its architecture, such as "distilbert".
        defaults: the tasks that it answers when a request names no model.
        is_open: False for one that is opened by the first request that needs it.
        problem_type: how the logits of a classifier become numbers; None for others.
        members: of a cascade, in the order in which they are asked; empty for others.
    """

    name: str
    task: Readable
    tasks: tuple[TaskName, ...]
    labels: tuple[str, ...]
    dimensions: int
    pooling: str
    precision: str
    max_length: int
    digest: str
    source: str
    family: str
    is_ready: bool
    defaults: tuple[TaskName, ...]
    is_open: bool = True
    problem_type: ProblemType | None = None
    members: tuple[str, ...] = ()


AS_IT_COMES = EncodeOptions()
AT_ONCE = Urgency()

Infer = Callable[[Sequence[Item], EncodeOptions, Urgency], Awaitable[Sequence[Answer]]]
"""One version: items in, one answer each."""
