"""Everything at once, and every request accounted for; then memory, with all but the killing."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np

from benchmarks.under_load.accounting import Account, Judge
from benchmarks.under_load.driving import driving, every
from benchmarks.under_load.figures import Bar
from benchmarks.under_load.ingredients import Material, Watch, material
from benchmarks.under_load.mischief import Deeds, Redis, kill_one, now_and_then, redis, retrying
from benchmarks.under_load.plan import Fate, Plan, Sight, Stream
from benchmarks.under_load.result import Bench, Result
from benchmarks.under_load.serving import SENTIMENT, Launch, Server, serving, warm
from benchmarks.under_load.settings import headers
from benchmarks.under_load.texts import Language, ask_idle, body

N_REQUESTS = 200_000
N_FOR_MEMORY = 100_000
N_QUICK = 5_000
MOST_RATE, LEAST_RATE = 800.0, 300.0
SHARE_OF_CAPACITY = 0.5
VANISHING = 0.05
KILL_EVERY_S = 10.0
REDIS_EVERY_S = 7.0
QUICKER = 2
"""A quick run has everything happen so many times as often."""
QUICK_S = 15.0
"""How long it lasts at least, so that something happens."""
AFTER_KILL_S = 1.0
SAY_EVERY_S = 10.0
SLOPE_MIB = 1.0
CLASSES = {"interactive": 0.3, "default": 0.5, "bulk": 0.2}


@dataclass
class Happened:
    """One run of chaos."""

    sight: Sight
    account: Account
    deeds: Deeds
    watch: Watch
    rate: float
    n: int
    sharpness: float
    failed_retries: int = 0
    n_retries: int = 0
    log: str = ""

    def seconds_from_kill(self) -> list[float]:
        """Of each broken connection, how long after the last kill before it it was seen to be."""
        kills = np.array(self.deeds.kills)
        found = []
        for stream in self.sight.streams:
            for done, fate in zip(stream.done, stream.fate, strict=True):
                if fate in (Fate.BROKEN, Fate.UNCONNECTED):
                    before = kills[kills <= self.sight.began + done + 0.05]
                    found.append(
                        float(self.sight.began + done - before[-1]) if before.size else 1e9
                    )
        return found


def run(bench: Bench) -> list[Result]:
    """With kills, then without."""
    n = bench.n_chaos or (N_QUICK if bench.is_quick else N_REQUESTS)
    n_memory = min(n, N_QUICK if bench.is_quick else N_FOR_MEMORY)
    return [_killing(bench, n), _memory(bench, n_memory)]


def _killing(bench: Bench, n: int) -> Result:
    settings = {"workers.count": 2, "engine.recycle_s": 12}
    period_s = KILL_EVERY_S / (QUICKER if bench.is_quick else 1)
    found = happen(bench, n, settings=settings, kill_every_s=period_s)
    apart = found.seconds_from_kill()
    result = Result("chaos", SENTIMENT.title)
    result.bars = [
        Bar(
            "wrong, doubled or lost answers, and unexplained ones",
            found.account.n_faults,
            0,
            "",
            digits=0,
        ),
        Bar(
            "connections that broke though no worker had been killed just before",
            sum(a > AFTER_KILL_S for a in apart),
            0,
            "",
            digits=0,
        ),
        Bar("retries on a new connection that failed too", found.failed_retries, 0, "", digits=0),
        Bar(
            "requests that the driver could not send",
            found.account.counts["unsent"],
            0,
            "",
            digits=0,
        ),
        Bar(
            "workers killed",
            len(found.deeds.kills),
            n / found.rate / period_s * 0.7,
            "",
            is_floor=True,
            digits=0,
        ),
    ]
    result.accounts = {"all": found.account}
    result.notes = [
        _what(found, n),
        (
            f"{len(apart)} connections broke; the slowest was seen to be {max(apart, default=0):.2f} s "
            f"after the kill. {found.n_retries} retries on a new connection."
        ),
    ]
    return result


def _memory(bench: Bench, n: int) -> Result:
    # a cache that is full before memory is judged: one that still fills would look like a leak
    settings = {"engine.recycle_s": 30, "cache.answers_mib": 4}
    found = happen(bench, n, settings=settings, kill_every_s=0)
    grown = found.watch.slope_mib(found.sight.began, found.rate, n)
    result = Result("memory", SENTIMENT.title)
    result.bars = [
        Bar("resident memory grows, in 10,000 requests", grown, SLOPE_MIB, "MiB"),
        Bar(
            "wrong, doubled or lost answers, and unexplained ones",
            found.account.n_faults,
            0,
            "",
            digits=0,
        ),
        Bar(
            "connections that broke",
            found.account.counts["broken"] + found.account.counts["unconnected"],
            0,
            "",
            digits=0,
        ),
    ]
    result.accounts = {"all": found.account}
    result.notes = [_what(found, n), f"At most {found.watch.most_mib():.0f} MiB were resident."]
    return result


def _what(found: Happened, n: int) -> str:
    redis_deeds = [name for _, name in found.deeds.redis]
    return (
        f"{n} requests at {found.rate:.0f}/s; {VANISHING:.0%} of the clients left, "
        f"{len(found.deeds.kills)} workers were killed, Redis was killed {redis_deeds.count('kill')} "
        f"times and held {redis_deeds.count('hold')} times, engines were replaced "
        f"{found.log.count('fresh engine')} times. A mixed-up answer would be seen in "
        f"{found.sharpness:.1%} of cases."
    )


def happen(
    bench: Bench, n: int, *, settings: Mapping[str, object], kill_every_s: float
) -> Happened:
    """Runs a server through it."""
    words, deeds, watch = SENTIMENT.language, Deeds(), Watch()
    stuff = material(words, n=min(n, 50_000), seed=61)
    with ExitStack() as stack:
        shared = stack.enter_context(redis(bench.home, deeds))
        server = stack.enter_context(_server(bench, words, shared, settings))
        idle = ask_idle(server.port, stuff.plain, tolerance=SENTIMENT.tolerance)
        capacity = warm(server, words.short(2000, seed=77), seconds=bench.seconds(4))
        rate = min(MOST_RATE, max(LEAST_RATE, SHARE_OF_CAPACITY * capacity), n / QUICK_S)
        plan = Plan(port=server.port, streams=tuple(_streams(stuff, n, rate)), progress_s=2.0)
        chance = random.Random(5)  # noqa: S311  # no secret
        stack.enter_context(now_and_then(kill_every_s, lambda: kill_one(server, deeds, chance)))
        period_s = REDIS_EVERY_S / (QUICKER if bench.is_quick else 1)
        stack.enter_context(now_and_then(period_s, shared.turns()))
        stack.enter_context(every(0.5, lambda: watch.look(server)))
        retries = stack.enter_context(retrying(server.port, stuff.plain[0]))
        with driving(plan, bench.home) as run_:
            while run_.is_running():
                time.sleep(SAY_EVERY_S if n > N_QUICK else 5.0)
                bench.say(
                    f"{run_.progress()}; {server.resident_mib:.0f} MiB; {len(deeds.kills)} kills"
                )
            sight = run_.sight()
        log = server.started.log.read_text(errors="replace")
    judge = Judge(stuff.texts, idle, poison=words.poison)
    accounts = [judge.account(stream) for stream in sight.streams]
    account = sum(accounts, Account(Counter(), n_stray=sight.n_stray))
    return Happened(
        sight=sight,
        account=account,
        deeds=deeds,
        watch=watch,
        rate=rate,
        n=n,
        sharpness=idle.sharpness,
        failed_retries=retries.n_failed_again,
        n_retries=retries.n_broken,
        log=log,
    )


@contextmanager
def _server(
    bench: Bench, words: Language, shared: Redis, settings: Mapping[str, object]
) -> Iterator[Server]:
    more = {"cache.redis_url": shared.url, "cache.ttl_s": 5, **settings}
    launch = Launch(SENTIMENT, more, poison_id=words.poison_id)
    with serving(launch, bench.home, log="chaos") as server:
        yield server


def _streams(stuff: Material, n: int, rate: float) -> Iterator[Stream]:
    """A stream for each class; some want a fresh answer, some have a deadline."""
    bodies = tuple(_body(texts) for texts in stuff.texts)
    sent = {
        "interactive": headers(priority="interactive", timeout_s=2.0),
        "default": {},
        "bulk": headers(priority="bulk", fresh=True),
    }
    at = 0
    for number, (name, share) in enumerate(CLASSES.items()):
        order = stuff.order[at:] + stuff.order[:at]
        at += len(stuff.order) // len(CLASSES)
        yield Stream(
            name=name,
            bodies=bodies,
            order=order,
            headers=sent[name],
            rate=rate * share,
            n_most=round(n * share),
            seconds=n / rate * 2,
            vanishing=VANISHING,
            seed=100 + number,
        )


def _body(texts: Sequence[str]) -> str:
    return body(texts[0] if len(texts) == 1 else texts)
