"""A kept answer: what it costs the server to give it again."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchmarks.under_load.accounting import Judge
from benchmarks.under_load.driving import drive
from benchmarks.under_load.figures import Bar, middle, percentile
from benchmarks.under_load.plan import Plan, Seen, Stream
from benchmarks.under_load.result import Bench, Result
from benchmarks.under_load.serving import SENTIMENT, Launch, Server, serving
from benchmarks.under_load.settings import singles
from benchmarks.under_load.texts import ask_idle

Told = npt.NDArray[np.float64]
LIMIT_MS = 0.3
N_TEXTS = 200
CLIENTS = (1, 32)
SETTINGS = {"web.server_timing": "true"}


def run(bench: Bench) -> list[Result]:
    """The built-in model: what a hit costs does not depend on the model."""
    with serving(Launch(SENTIMENT, SETTINGS), bench.home) as server:
        texts = SENTIMENT.language.mixed(N_TEXTS, seed=31)
        idle = ask_idle(server.port, texts, tolerance=SENTIMENT.tolerance)
        judge = Judge([[text] for text in texts], idle)
        result = Result("hit", SENTIMENT.title)
        result.rows = [["clients", "hits/s", "server p50 ms", "p99 ms", "CPU us", "client p50 ms"]]
        for clients in CLIENTS:
            _measure(server, bench, texts, judge, clients, result)
    return [result]


def _measure(
    server: Server, bench: Bench, texts: list[str], judge: Judge, clients: int, result: Result
) -> None:
    """Some repeats with so many clients."""
    stream = Stream(name="hits", bodies=singles(texts), clients=clients, seconds=bench.seconds(3))
    before, cpu = server.readings(), server.cpu_s()
    seen: list[Seen] = []
    for _ in range(bench.repeats(3)):
        sight = drive(Plan(port=server.port, streams=(stream,)), server.home)
        seen.append(sight.stream("hits"))
    used, after = server.cpu_s() - cpu, server.readings()
    n = sum(one.n for one in seen)
    server_ms = np.concatenate([_told(one) for one in seen])
    rates = [one.n / stream.seconds for one in seen]
    client_ms = np.concatenate([one.latencies_ms() for one in seen])
    result.rows.append(
        [
            str(clients),
            f"{middle(rates):,.0f}",
            f"{percentile(server_ms, 50):.3f}",
            f"{percentile(server_ms, 99):.3f}",
            f"{used / n * 1e6:.0f}",
            f"{percentile(client_ms, 50):.2f}",
        ]
    )
    accounts = [judge.account(one) for one in seen]
    result.accounts[f"{clients} clients"] = sum(accounts[1:], accounts[0])
    hits = after.since(before, "cache_lookups_total", outcome="hit") / n
    result.bars += [
        *(_alone(server_ms) if clients == 1 else _together(used / n * 1e3, clients)),
        Bar(f"answers that were hits, {clients} clients", hits, 0.999, "", is_floor=True, digits=3),
    ]


def _alone(server_ms: Told) -> list[Bar]:
    """One after the other: from a request's arrival to its answer."""
    return [
        Bar("hit, server time, median", percentile(server_ms, 50), LIMIT_MS, "ms", digits=3),
        Bar("hit, server time, p99", percentile(server_ms, 99), LIMIT_MS, "ms", digits=3),
    ]


def _together(cpu_ms: float, clients: int) -> list[Bar]:
    """Many at once wait for each other in the event loop, so what each costs is judged."""
    return [Bar(f"hit, processor time, {clients} clients", cpu_ms, LIMIT_MS, "ms", digits=3)]


def _told(seen: Seen) -> Told:
    told = np.array(seen.server_ms)
    return told[told >= 0]
