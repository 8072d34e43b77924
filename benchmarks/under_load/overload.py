"""Twice the sustainable rate: as many answers in time as ever, and quick, honest refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain

import numpy as np

from benchmarks.under_load.accounting import Account, Judge
from benchmarks.under_load.driving import drive, sampling
from benchmarks.under_load.figures import Bar, middle, percentile
from benchmarks.under_load.plan import Fate, Plan, Sight
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
from benchmarks.under_load.settings import NO_CACHE, headers, open_loop
from benchmarks.under_load.texts import ask_idle

FIRST_SHARE = 0.7
"""Of what a closed loop gets through: where the search for the sustainable rate begins."""
STEP = 1.15
MOST_LEVELS = 10
IN_TIME = 0.99
N_BEYOND = 2
"""So many rates in a row that are too much end the search: one alone may be the machine's doing."""
SETTLE_S = 1.0
"""Of each rate the first second is left out: queues fill."""
DECIDED_MS = 5.0
LATEST_DRIVER_MS = 20.0


@dataclass(frozen=True)
class Level:
    """What came of one offered rate.

    Attributes:
        goodput: answers within the deadline, a second, counted by when they were asked for.
        in_time: their share.
        refused_ms: server's milliseconds of each refusal.
        late_ms: how late the driver was with its requests, 99th percentile.
    """

    rate: float
    goodput: float
    in_time: float
    refused_ms: tuple[float, ...]
    n_429: int
    n_504: int
    retry_after: tuple[float, ...]
    late_ms: float
    driver_cores: float
    account: Account

    @property
    def is_drivers_fault(self) -> bool:
        return self.late_ms > LATEST_DRIVER_MS


def level_of(sight: Sight, name: str, *, deadline_s: float, judge: Judge) -> Level:
    """Reads what a driver saw at one rate."""
    seen = sight.stream(name)
    due, fate, status = np.array(seen.due), np.array(seen.fate), np.array(seen.status)
    latency = np.array(seen.done) - due
    right = np.array([verdict == "right" for verdict in judge.verdicts(seen)])
    counted = due >= min(SETTLE_S, due[-1] / 4)
    good = right & (latency <= deadline_s) & counted
    span = due[-1] - due[counted][0]
    refused = (fate == Fate.ANSWERED) & np.isin(status, (429, 504))
    told = np.array(seen.server_ms)[refused]
    return Level(
        rate=float(counted.sum() / span),
        goodput=float(good.sum() / span),
        in_time=float(good.sum() / counted.sum()),
        refused_ms=tuple(told[told >= 0].tolist()),
        n_429=int((status[refused] == 429).sum()),
        n_504=int((status[refused] == 504).sum()),
        retry_after=tuple(np.array(seen.retry_after)[refused & (status == 429)].tolist()),
        late_ms=percentile(seen.lateness_ms(), 99),
        driver_cores=sight.cpu_s / sight.wall_s,
        account=judge.account(seen, n_stray=sight.n_stray),
    )


@dataclass(frozen=True)
class Overload:
    """A server, its texts and what to ask with."""

    server: Server
    texts: list[str]
    judge: Judge
    deadline_s: float

    def level(self, rate: float, seconds: float, *, seed: int) -> Level:
        """Offers a rate for some seconds."""
        sent = headers(timeout_s=self.deadline_s)
        stream = open_loop("offered", self.texts, rate, seconds, sent=sent, seed=seed)
        plan = Plan(port=self.server.port, streams=(stream,), patience_s=15.0)
        sight = drive(plan, self.server.home)
        return level_of(sight, "offered", deadline_s=self.deadline_s, judge=self.judge)


def prepare(server: Server, model: Model) -> Overload:
    """Asks the idle server for every answer."""
    texts = model.language.mixed(model.n_texts, seed=11)
    idle = ask_idle(server.port, texts, tolerance=model.tolerance)
    return Overload(server, texts, Judge([[text] for text in texts], idle), model.deadline_s)


def climb(offer: Callable[[float], Level], rate: float) -> list[Level]:
    """Offers more and more until it is clearly too much."""
    levels: list[Level] = []
    while len(levels) < MOST_LEVELS and not is_beyond(levels):
        levels.append(offer(rate))
        rate *= STEP
    return levels


def is_beyond(levels: list[Level]) -> bool:
    """Whether the last rates were too much."""
    last = levels[-N_BEYOND:]
    return len(last) == N_BEYOND and all(level.in_time < IN_TIME for level in last)


def sustainable(levels: list[Level]) -> float:
    """The highest rate at which nearly all are answered in time, else the highest goodput."""
    kept = [level.rate for level in levels if level.in_time >= IN_TIME]
    return max(kept, default=max(level.goodput for level in levels))


def run(bench: Bench) -> list[Result]:
    """The built-in model and the larger one."""
    return [measure(bench, model) for model in (SENTIMENT, DISTILBERT)]


def measure(bench: Bench, model: Model) -> Result:
    """Finds the sustainable rate, then offers the best rate and twice the sustainable one in turn."""
    with serving(Launch(model, NO_CACHE), bench.home) as server:
        load = prepare(server, model)
        capacity = warm(server, load.texts, seconds=bench.seconds(6))
        seconds = bench.seconds(5)

        def offer(rate: float) -> Level:
            found = load.level(rate, seconds, seed=round(rate))
            bench.say(f"{model.name}: {_line(found)}")
            return found

        levels = climb(offer, FIRST_SHARE * capacity)
        rate = sustainable(levels)
        before = server.resident_mib
        best = max(levels, key=lambda level: level.goodput).rate
        with sampling(0.2, lambda: server.resident_mib) as resident:
            pairs = [
                (
                    load.level(best, seconds, seed=70 + n),
                    load.level(2 * rate, bench.seconds(8), seed=90 + n),
                )
                for n in range(bench.repeats(3))
            ]
        after = server.resident_mib
    return _result(model, load, levels, pairs, (before, max(resident.values, default=after)))


def _line(level: Level) -> str:
    return (
        f"{level.rate:.0f}/s offered, {level.goodput:.0f}/s in time ({level.in_time:.1%}), "
        f"{level.n_429} times 429, {level.n_504} times 504, driver late {level.late_ms:.1f} ms"
    )


def _result(
    model: Model,
    load: Overload,
    levels: list[Level],
    pairs: list[tuple[Level, Level]],
    resident: tuple[float, float],
) -> Result:
    over = [beyond for _, beyond in pairs]
    kept = middle([beyond.goodput / best.goodput for best, beyond in pairs])
    refused = [ms for level in over for ms in level.refused_ms]
    retry = [s for level in over for s in level.retry_after]
    result = Result("overload", model.title)
    result.bars = [
        Bar(
            "goodput at twice the sustainable rate, of its maximum beside it (median of pairs)",
            kept,
            0.9,
            "",
            is_floor=True,
        ),
        Bar("refusals decided, server-side p99", percentile(refused, 99), DECIDED_MS, "ms"),
        Bar("refusals without a Retry-After of 1 to 60 s", _senseless(retry), 0, "", digits=0),
        Bar("resident memory at most, while it lasted", resident[1], 1.2 * resident[0] + 50, "MiB"),
    ]
    result.rows = [["offered/s", "in time/s", "share", "429", "504", "driver late p99 ms"]]
    for level in (*levels, *chain.from_iterable(pairs)):
        result.rows.append(_row(level))
    result.accounts["twice the rate"] = sum((o.account for o in over[1:]), over[0].account)
    result.notes = [
        (
            f"Deadline {model.deadline_s * 1e3:.0f} ms, told to the server. Refusals took "
            f"{percentile(refused, 50):.2f} ms (median) of the server's time. The driver took "
            f"{max(level.driver_cores for level in over):.2f} of the cores that it shares with the "
            f"server. A mixed-up answer would be seen in {load.judge.idle.sharpness:.1%} of cases."
        )
    ]
    if any(level.is_drivers_fault for level in over):
        result.notes.append("The driver was late with its requests: the client was the limit.")
    return result


def _senseless(retry_after: list[float]) -> float:
    return sum(not 1 <= seconds <= 60 for seconds in retry_after)


def _row(level: Level) -> list[str]:
    return [
        f"{level.rate:.0f}",
        f"{level.goodput:.0f}",
        f"{level.in_time:.1%}",
        str(level.n_429),
        str(level.n_504),
        f"{level.late_ms:.1f}",
    ]
