"""Why the batcher does what it does: what waits, what runs, and the last grids."""

from __future__ import annotations

from goldcrest.batching.claims import Claims
from goldcrest.batching.desk import Desk
from goldcrest.batching.lane import Lane
from goldcrest.names import PRIORITIES
from goldcrest.records import Explanation, LaneState


def explain(desk: Desk, claims: Claims) -> Explanation:
    """Tell the state of a desk, which nobody changes meanwhile."""
    now = desk.clock()
    return Explanation(
        waiting_tokens={priority: desk.queue.tokens(priority) for priority in PRIORITIES},
        waiting_bytes=claims.n_bytes,
        lanes=tuple(_state(lane, desk) for lane in desk.lanes.values()),
        slots=tuple(slot.state(now) for slot in (*desk.slots, *desk.stuck)),
        recent=tuple(desk.recent.copy()),
    )


def _state(lane: Lane, desk: Desk) -> LaneState:
    line = desk.queue.line(lane.name)
    return LaneState(
        name=lane.name,
        model=lane.model,
        is_ready=lane.is_ready,
        n_warm=len(lane.shapes.warm),
        n_shapes=len(lane.shapes),
        seconds_per_token=lane.seconds_per_token,
        waiting=line.jobs.copy(),
        waiting_tokens=line.n_tokens,
        engine_s=desk.queue.rounds.used_s(lane.name),
        costs=lane.predictions(),
    )
