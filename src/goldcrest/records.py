"""What the parts tell of their work: records, reports, and the state they are in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from goldcrest.names import Priority, Reason
from goldcrest.values import Shape

Sample = tuple[str, tuple[str, ...], float]
"""A figure for the metrics: the key of its description, the values of its labels, the figure."""


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What one run of an engine did; times in seconds.

    Attributes:
        lane: the version that ran.
        model: the name it is served under.
        reason: why this grid was formed, and no other.
        predicted_s: what the cost table expected.
        run_s: what the engine took, wall clock.
        idle_s: how long the slot stood idle just before while a job was waiting.
        cpu_s: processor time the engine's threads used.
        waited_s: per job, from arrival to the start of the run.
        priorities: per job, its class.
        left_jobs: jobs of the lane that went on waiting.
        objective_s: the longest that this grid was allowed to take.
        at: when it was dispatched, in seconds on the batcher's clock.
    """

    lane: str
    model: str
    reason: Reason
    shape: Shape
    n_jobs: int
    n_tokens: int
    predicted_s: float
    run_s: float
    idle_s: float
    cpu_s: float
    waited_s: tuple[float, ...]
    priorities: tuple[Priority, ...] = ()
    left_jobs: int = 0
    objective_s: float = 0.0
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """What became of one request; one is written for each, answered or not.

    Attributes:
        model: the model that answered or would have; empty if none was found.
        outcome: "ok", or the code of the error.
        n_truncated: items that lost tokens.
        lengths: tokens that each item had, those that were cut off too; of an item that expands
            into several, their mean; of one in windows, what they came to.
        seconds: from the call of the service to its reply.
        caller: the name of the key that was shown; empty where none is asked for.
    """

    task: str
    model: str
    outcome: str
    n_items: int
    n_tokens: int
    n_truncated: int
    seconds: float
    caller: str = ""
    priority: Priority | None = None
    lengths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LaneState:
    """What a lane would say of itself.

    Attributes:
        name: of the version.
        model: the name it is served under.
        n_warm: shapes that are warm, of ``n_shapes``.
        seconds_per_token: the pace of the best warm shape if it were full.
        waiting: jobs that wait, by class.
        waiting_tokens: tokens that wait.
        engine_s: seconds of the engine that it has used.
        costs: predicted seconds by shape, such as "4x64".
    """

    name: str
    model: str
    is_ready: bool
    n_warm: int
    n_shapes: int
    seconds_per_token: float
    waiting: Mapping[Priority, int]
    waiting_tokens: int
    engine_s: float
    costs: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class SlotState:
    """What an engine slot is doing.

    Attributes:
        lane: whose grid runs; None while it is free.
        shape: of that grid; empty while a shape is warmed, or it is free.
        for_s: how long it has been at it.
        predicted_s: what the cost table expects.
        is_hung: it has been at it for longer than the settings allow, and was given up.
    """

    lane: str | None
    shape: str
    for_s: float
    predicted_s: float
    is_hung: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why the batcher does what it does.

    Attributes:
        waiting_tokens: by class.
        waiting_bytes: by class; texts that are still to be tokenised count too.
        recent: the last grids, oldest first.
    """

    waiting_tokens: Mapping[Priority, int]
    waiting_bytes: Mapping[Priority, int]
    lanes: tuple[LaneState, ...]
    slots: tuple[SlotState, ...]
    recent: tuple[BatchReport, ...]
