"""An engine replaced under load: nobody fails, and latency has no cliff."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.under_load.driving import drive, every
from benchmarks.under_load.figures import Bar, percentile
from benchmarks.under_load.overload import prepare
from benchmarks.under_load.plan import Plan, Seen
from benchmarks.under_load.result import Bench, Result
from benchmarks.under_load.serving import (
    DISTILBERT,
    SENTIMENT,
    Launch,
    Model,
    Server,
    serving,
    warm,
)
from benchmarks.under_load.settings import NO_CACHE, open_loop

LOAD = 0.6
SECONDS = 110.0
RECYCLE_S = 20
N_RECYCLES = 2
TOOK = re.compile(r"has a fresh engine after ([0-9.]+) s")
"""What the server logs: how long a fresh engine was built and warmed before it took over."""
LOOK_S = 0.2
SETTLE_S = 1.0
"""After an engine took over: what came then counts as its doing too."""
CLIFF = 2.0
ROOM_MS = 20.0


@dataclass
class Changes:
    """When engines were replaced, in seconds since 1970, as the metrics told."""

    moments: list[float] = field(default_factory=list)
    n: float = float("nan")

    def look(self, server: Server) -> None:
        now = server.readings().total("model_changes_total", change="replaced")
        if now > self.n:
            self.moments.append(time.time())
        self.n = now


def run(bench: Bench) -> list[Result]:
    """The built-in model and the larger one."""
    return [measure(bench, model) for model in (SENTIMENT, DISTILBERT)]


def measure(bench: Bench, model: Model) -> Result:
    """Loads a server at a steady rate while its engine is replaced a few times."""
    changes = Changes()
    settings = {**NO_CACHE, "engine.recycle_s": RECYCLE_S}
    with serving(Launch(model, settings), bench.home) as server:
        load = prepare(server, model)
        rate = LOAD * warm(server, load.texts, seconds=bench.seconds(6))
        stream = open_loop("steady", load.texts, rate, SECONDS if not bench.is_quick else 25.0)
        changes.look(server)
        with every(LOOK_S, lambda: changes.look(server)):
            sight = drive(Plan(port=server.port, streams=(stream,)), bench.home)
        took_s = [float(one) for one in TOOK.findall(server.started.log.read_text())]
    seen = sight.stream("steady")
    account = load.judge.account(seen, n_stray=sight.n_stray)
    taken_over = [moment - sight.began for moment in changes.moments]
    began_s = next(iter(took_s), 0.0) + LOOK_S
    apart, beside = split(seen, quiet(taken_over, began_s))
    result = Result("recycle", model.title)
    limit = CLIFF * percentile(apart, 99) + ROOM_MS
    n_failed = account.n - account.counts["right"]
    n_least = 1 if bench.is_quick else N_RECYCLES
    n_replaced = len(changes.moments)
    result.bars = [
        Bar("requests that were not answered rightly", n_failed, 0, "", digits=0),
        Bar("engines replaced", n_replaced, n_least, "", is_floor=True, digits=0),
        Bar(
            f"p99 beside the making of an engine; bar: {CLIFF:g} x p99 at other times and {ROOM_MS:.0f} ms",
            percentile(beside, 99),
            limit,
            "ms",
        ),
    ]
    result.rows = [
        ["requests", "n", "p50 ms", "p99 ms", "most"],
        _row("while none was made", apart),
        _row("while one was, or had just taken over", beside),
    ]
    result.accounts = {"all": account}
    result.notes = [
        (
            f"{rate:.0f} texts/s, {LOAD:.0%} of the capacity; an engine is replaced every "
            f"{RECYCLE_S} s, and is built and warmed for "
            f"{' and '.join(f'{one:.1f}' for one in took_s)} s before."
        )
    ]
    return result


def quiet(taken_over: Sequence[float], began_s: float) -> list[tuple[float, float]]:
    """When no engine was being made: before the first, and for a while after each.

    Args:
        taken_over: when engines took over, in seconds since the start.
        began_s: how long before that the first was begun.
    """
    spans = [(float("-inf"), min(taken_over, default=float("inf")) - began_s)]
    return spans + [(moment + SETTLE_S, moment + RECYCLE_S) for moment in taken_over]


def split(seen: Seen, spans: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Latencies of the requests that were due in these spans, and of the others; milliseconds."""
    inside: list[float] = []
    outside: list[float] = []
    for due, done, status in zip(seen.due, seen.done, seen.status, strict=True):
        if status == 200:
            is_inside = any(begin <= due < end for begin, end in spans)
            (inside if is_inside else outside).append((done - due) * 1e3)
    return inside, outside


def _row(name: str, values: Sequence[float]) -> list[str]:
    most = float(np.max(values)) if values else float("nan")
    figures = (percentile(values, 50), percentile(values, 99), most)
    return [name, str(len(values)), *(f"{figure:.1f}" for figure in figures)]
