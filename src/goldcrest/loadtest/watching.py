"""What the server says of itself: its metrics before and after each step, its cost table, its memory."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from goldcrest.loadtest.result import ServerStep
from goldcrest.loadtest.subject import LaneCost, Server
from goldcrest.metrics.scraping import Fetch, Sampled, read_metrics


def sample(fetch: Fetch) -> Sampled | None:
    """The server's metrics now; None where it has none that are Goldcrest's."""
    page = fetch("/metrics")
    found = read_metrics(page) if page else None
    return found if found and "goldcrest_info" in found else None


def between(
    before: Sampled | None, after: Sampled | None, *, seconds: float, slots: int = 1
) -> ServerStep | None:
    """What the server counted between two samples; None unless both are there.

    Args:
        before: from before the step.
        after: from after it.
        seconds: between the two.
        slots: engine slots that the server has.
    """
    if before is None or after is None:
        return None
    old, new = before, after

    def grown(name: str, **labels: str) -> float:
        return max(0.0, new.total(name, **labels) - old.total(name, **labels))

    busy_s = grown("goldcrest_engine_busy_seconds_total")
    reasons = new.by("goldcrest_dispatches_total", "reason")
    earlier = old.by("goldcrest_dispatches_total", "reason")
    hits = ("hit", "shared", "joined")
    return ServerStep(
        busy_s=busy_s,
        busy_share=min(1.0, busy_s / max(seconds * slots, 1e-9)),
        engine_cpu_s=grown("goldcrest_engine_cpu_seconds_total"),
        cpu_s=grown("process_cpu_seconds_total") if "process_cpu_seconds_total" in new else None,
        loop_cpu_s=grown("goldcrest_loop_cpu_seconds_total")
        if "goldcrest_loop_cpu_seconds_total" in new
        else None,
        n_requests=int(grown("goldcrest_requests_total", outcome="ok")),
        n_batches=int(grown("goldcrest_batches_total")),
        n_tokens=int(grown("goldcrest_grid_tokens_total")),
        n_slots=int(grown("goldcrest_grid_slots_total")),
        n_cache_hits=int(sum(grown("goldcrest_cache_lookups_total", outcome=one) for one in hits)),
        reasons={name: int(n - earlier.get(name, 0)) for name, n in reasons.items()},
        resident_bytes=resident(new),
    )


def resident(sampled: Sampled) -> int:
    """Bytes of memory that the server's processes hold; 0 where it does not say."""
    told = sampled.total("goldcrest_memory_bytes", part="resident")
    return int(told or sampled.total("process_resident_memory_bytes"))


class _Lane(msgspec.Struct):
    name: str
    model: str
    seconds_per_token: float = 0.0
    costs: dict[str, float] = {}


class _Run(msgspec.Struct):
    at: float
    rows: int
    width: int
    run_s: float


class _Explained(msgspec.Struct):
    lanes: list[_Lane] = []
    slots: list[msgspec.Raw] = []
    recent: list[_Run] = []


def runs(fetch: Fetch, n: int) -> tuple[tuple[str, float, float], ...]:
    """The last grids, at most ``n``: shape, when it began, what it took; none where untold."""
    page = fetch("/debug/batches")
    try:
        recent = msgspec.json.decode(page, type=_Explained).recent if page else []
    except msgspec.MsgspecError:
        return ()
    last = recent[-n:] if n > 0 else []
    return tuple((f"{run.rows}x{run.width}", run.at, run.run_s) for run in last)


def lanes(fetch: Fetch) -> tuple[tuple[LaneCost, ...], int]:
    """The cost table of each version, and how many engine slots there are; none and 1 if untold."""
    page = fetch("/debug/batches")
    if page is None:
        return (), 1
    try:
        told = msgspec.json.decode(page, type=_Explained)
    except msgspec.MsgspecError:
        return (), 1
    found = tuple(
        LaneCost(
            lane=lane.name,
            model=lane.model,
            seconds_per_token=lane.seconds_per_token,
            costs=lane.costs,
        )
        for lane in told.lanes
    )
    return found, max(1, len(told.slots))


class _Model(msgspec.Struct):
    id: str
    precision: str = ""
    max_length: int = 0
    is_ready: bool = True


class _Models(msgspec.Struct):
    data: list[_Model] = []


def models(fetch: Fetch) -> tuple[_Model, ...]:
    """The models that the server lists; none where it lists none."""
    page = fetch("/v1/models")
    try:
        return tuple(msgspec.json.decode(page, type=_Models).data) if page else ()
    except msgspec.MsgspecError:
        return ()


def settings(fetch: Fetch) -> Iterator[tuple[str, str]]:
    """A summary of what the server says it is set to."""
    for model in models(fetch):
        yield f"{model.id}.precision", model.precision
        yield f"{model.id}.max_length", str(model.max_length)


def describe(fetch: Fetch, steps: tuple[ServerStep, ...]) -> Server:
    """What is known of the server after a test.

    Args:
        fetch: gets its pages.
        steps: what it counted in the steps that count.
    """
    sampled = sample(fetch)
    costs, _ = lanes(fetch)
    n_requests = sum(step.n_requests for step in steps)
    busy_s = sum(step.busy_s for step in steps)
    engine_cpu_s = sum(step.engine_cpu_s for step in steps)
    cpu_s = [step.cpu_s for step in steps if step.cpu_s is not None]
    outside_s = max(0.0, sum(cpu_s) - engine_cpu_s) if len(cpu_s) == len(steps) else 0.0
    return Server(
        name="goldcrest" if sampled else "",
        version=next(iter(sampled.by("goldcrest_info", "version")), "") if sampled else "",
        settings=dict(settings(fetch)),
        resident_bytes=resident(sampled) if sampled else 0,
        lanes=costs,
        engine_cpu_share=engine_cpu_s / busy_s if busy_s else 0.0,
        outside_cpu_s_per_request=outside_s / n_requests if n_requests else 0.0,
        tokens_per_request=sum(step.n_tokens for step in steps) / n_requests if n_requests else 0.0,
        grid_fill=sum(step.n_tokens for step in steps)
        / max(1, sum(step.n_slots for step in steps)),
        n_workers=max(1, int(sampled.total("goldcrest_workers"))) if sampled else 1,
    )
