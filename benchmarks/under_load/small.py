"""One core and 512 MB: alive and honest while twice as much is asked as it can do."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.under_load.accounting import Account
from benchmarks.under_load.driving import sampling
from benchmarks.under_load.figures import Bar
from benchmarks.under_load.overload import prepare
from benchmarks.under_load.result import Bench, Result
from benchmarks.under_load.serving import (
    DISTILBERT,
    SENTIMENT,
    Launch,
    Model,
    cores,
    serving,
    warm,
)
from benchmarks.under_load.settings import NO_CACHE
from goldcrest.loadtest.constraint import hold
from goldcrest.loadtest.groups import Limits

LIMIT_MIB = 512


def run(bench: Bench) -> list[Result]:
    """The built-in model and the larger one."""
    return [measure(bench, model) for model in (SENTIMENT, DISTILBERT)]


def measure(bench: Bench, model: Model) -> Result:
    """Starts it held to them, so that the kernel ends it beyond."""
    held = hold(Limits(cpus=1, memory_mib=LIMIT_MIB), usable=frozenset(cores()))
    settings = {**NO_CACHE, "memory.limit_mib": LIMIT_MIB}
    launch = Launch(model, settings, enter=held.enter())
    with ExitStack() as after:
        after.callback(held.release)  # once nothing runs in its groups
        server = after.enter_context(serving(launch, bench.home, log="small"))
        resident = after.enter_context(sampling(0.2, lambda: server.resident_mib))
        load = prepare(server, model)
        capacity = warm(server, load.texts, seconds=bench.seconds(5))
        level = load.level(2 * capacity, bench.seconds(12), seed=71)
        is_alive = server.started.is_running and bool(server.get("/health/ready"))
    result = Result("small", model.title)
    result.bars = [
        Bar("alive and ready at the end", float(is_alive), 1, "", is_floor=True, digits=0),
        Bar("faults", level.account.n_faults, 0, "", digits=0),
        Bar("answered or refused", _told(level.account), 1.0, "", is_floor=True, digits=4),
        Bar("resident memory at most", max(resident.values), LIMIT_MIB, "MiB", digits=0),
        Bar("answers in time, of its capacity", level.goodput / capacity, 0.75, "", is_floor=True),
    ]
    result.rows = [
        ["closed loop/s", "offered/s", "in time/s", "429", "504", "MiB at most"],
        [
            f"{capacity:.0f}",
            f"{level.rate:.0f}",
            f"{level.goodput:.0f}",
            str(level.n_429),
            str(level.n_504),
            f"{max(resident.values):.0f}",
        ],
    ]
    result.notes = [f"Held by {'; '.join(held.constraint.means)}.", *held.constraint.caveats]
    result.accounts = {"twice the rate": level.account}
    return result


def _told(account: Account) -> float:
    return (account.counts["right"] + account.n_refused) / max(1, account.n)
