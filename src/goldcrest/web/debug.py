"""Why the batcher does what it does: what waits, what runs, what a grid costs, what ran last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from goldcrest.errors import Loading
from goldcrest.names import Priority, Reason
from goldcrest.records import BatchReport, Explanation, LaneState, SlotState
from goldcrest.web.endpoint import Call, Endpoint


class GridRun(msgspec.Struct, frozen=True):
    """A grid that ran; times in seconds."""

    at: Annotated[float, Meta(description="when it was dispatched, on a clock of the server's own")]
    lane: str
    model: str
    reason: Annotated[Reason, Meta(description="why it was formed, and no other")]
    rows: int
    width: int
    n_jobs: int
    jobs: Annotated[Mapping[Priority, int], Meta(description="by class")]
    n_tokens: int
    fill: Annotated[float, Meta(description="tokens over token slots")]
    left_jobs: Annotated[int, Meta(description="of the lane that went on waiting")]
    predicted_s: float
    run_s: float
    cpu_s: Annotated[float, Meta(description="processor time of the engine's threads")]
    idle_s: Annotated[float, Meta(description="that the slot stood idle while a job waited")]
    objective_s: Annotated[float, Meta(description="the longest that it was allowed to take")]
    longest_wait_s: Annotated[float, Meta(description="of its jobs, from arrival to dispatch")]


class Batches(msgspec.Struct, frozen=True):
    """The state of the batcher; times in seconds."""

    waiting_tokens: Annotated[Mapping[Priority, int], Meta(description="by class")]
    waiting_bytes: Annotated[
        Mapping[Priority, int], Meta(description="by class; texts to be tokenised count too")
    ]
    lanes: Annotated[
        tuple[LaneState, ...], Meta(description="one per version; costs: seconds by rows x width")
    ]
    slots: Annotated[tuple[SlotState, ...], Meta(description="what runs, and for how long")]
    recent: Annotated[tuple[GridRun, ...], Meta(description="the last grids, oldest first")]


async def batches(call: Call[None]) -> Batches:
    """Answer with what waits, what runs, the table of costs of each version, and the last grids."""
    found = call.door.explain()
    if found is None:
        raise Loading("no model is open yet")
    return told(found)


def told(explanation: Explanation) -> Batches:
    """An explanation as it is sent."""
    return Batches(
        waiting_tokens=explanation.waiting_tokens,
        waiting_bytes=explanation.waiting_bytes,
        lanes=explanation.lanes,
        slots=explanation.slots,
        recent=tuple(map(_run, explanation.recent)),
    )


def _run(report: BatchReport) -> GridRun:
    return GridRun(
        at=report.at,
        lane=report.lane,
        model=report.model,
        reason=report.reason,
        rows=report.shape.rows,
        width=report.shape.width,
        n_jobs=report.n_jobs,
        jobs=Counter(report.priorities),
        n_tokens=report.n_tokens,
        fill=report.n_tokens / report.shape.n_slots,
        left_jobs=report.left_jobs,
        predicted_s=report.predicted_s,
        run_s=report.run_s,
        cpu_s=report.cpu_s,
        idle_s=report.idle_s,
        objective_s=report.objective_s,
        longest_wait_s=max(report.waited_s, default=0.0),
    )


ENDPOINTS = (
    Endpoint(
        path="/debug/batches",
        method="GET",
        tag="server",
        summary="Why does the batcher do what it does?",
        call=batches,
        reply=Batches,
        errors=(Loading,),
    ),
)
