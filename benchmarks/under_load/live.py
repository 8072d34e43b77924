"""Health under full overload: alive is said at once, and readiness never waits behind a batch."""

from __future__ import annotations

import time
from contextlib import ExitStack

from benchmarks.under_load import bare
from benchmarks.under_load.accounting import Judge
from benchmarks.under_load.driving import driving
from benchmarks.under_load.figures import Bar, percentile
from benchmarks.under_load.overload import prepare
from benchmarks.under_load.plan import Plan, Sight, Stream
from benchmarks.under_load.probe import Probes, probing
from benchmarks.under_load.result import Bench, Result
from benchmarks.under_load.serving import DISTILBERT, SENTIMENT, Launch, Model, serving, warm
from benchmarks.under_load.settings import NO_CACHE, headers, open_loop
from benchmarks.under_load.texts import ask_idle, body

LIMIT_MS = 5.0
PROBES_S = 40.0
SECONDS = 16.0
LEAD_S = 2.0
PER_REQUEST = 1000
PATHS = ("/health/live", "/health/ready")


def run(bench: Bench) -> list[Result]:
    """The built-in model and the larger one."""
    return [measure(bench, model) for model in (SENTIMENT, DISTILBERT)]


def measure(bench: Bench, model: Model) -> Result:
    """Twice what it can do, long texts, and requests of a thousand texts; and probers."""
    seconds = bench.seconds(SECONDS)
    with serving(Launch(model, NO_CACHE), bench.home) as server:
        load = prepare(server, model)
        capacity = warm(server, load.texts, seconds=bench.seconds(5))
        words = model.language
        long_texts = words.short(40, seed=41, n_words=2000)
        idle = ask_idle(server.port, long_texts, tolerance=model.tolerance)
        many = [(load.texts * PER_REQUEST)[at : at + PER_REQUEST] for at in range(4)]
        sent = headers(timeout_s=model.deadline_s)
        streams = (
            open_loop("short", load.texts, 2 * capacity, seconds + LEAD_S, sent=sent),
            open_loop("long", long_texts, max(2.0, capacity / 50), seconds + LEAD_S, sent=sent),
            Stream(
                name="many",
                bodies=tuple(body(texts) for texts in many),
                clients=2,
                seconds=seconds + LEAD_S,
                headers=headers(priority="bulk"),
            ),
        )
        plan = Plan(port=server.port, streams=streams, patience_s=60.0)
        with driving(plan, server.home) as run_:
            time.sleep(LEAD_S)
            found = _probe_all(server.port, bench, seconds)
            sight = run_.sight()
    judges = {
        "short": load.judge,
        "long": Judge([[text] for text in long_texts], idle),
        "many": Judge(many, load.judge.idle),
    }
    return _result(model, found, sight, judges)


def _probe_all(port: int, bench: Bench, seconds: float) -> list[Probes]:
    """Both paths, and beside them a server that has nothing else to do."""
    with bare.answering(bench.home) as bare_port, ExitStack() as probers:
        asked = [(port, path) for path in PATHS] + [(bare_port, bare.PATH)]
        at_work = [
            probers.enter_context(
                probing(to, path, seconds=seconds, rate=PROBES_S, home=bench.home)
            )
            for to, path in asked
        ]
        probers.close()
        return [prober.found() for prober in at_work]


def _result(model: Model, found: list[Probes], sight: Sight, judges: dict[str, Judge]) -> Result:
    result = Result("live", model.title)
    result.rows = [
        ["path", "probes", "client p50 ms", "p99", "most", "server p99", "most", "states"]
    ]
    *found, beside = found
    for probes in (*found, beside):
        result.rows.append(_row(probes))
    for probes in found:
        client, server = probes.all_ms, probes.server_ms
        result.bars += [
            Bar(f"{probes.path}, client-side p99", percentile(client, 99), LIMIT_MS, "ms"),
            Bar(f"{probes.path}, client-side at most", max(client), LIMIT_MS, "ms"),
            Bar(
                f"{probes.path}, server-side at most",
                max(server, default=float("nan")),
                LIMIT_MS,
                "ms",
                digits=3,
            ),
            Bar(f"{probes.path}, probes not answered 200", _bad(probes), 0, "", digits=0),
        ]
    result.accounts = {name: judge.account(sight.stream(name)) for name, judge in judges.items()}
    result.notes = [
        (
            f"Half of the probes open a connection of their own: p99 {percentile(found[0].fresh_ms, 99):.1f} ms; "
            f"on a kept one {percentile(found[0].kept_ms, 99):.1f} ms. {bare.PATH} is of a server that does nothing "
            "else, in a process beside: what the machine and the probers take themselves."
        )
    ]
    return result


def _bad(probes: Probes) -> float:
    return sum(n for status, n in probes.states.items() if status != 200)


def _row(probes: Probes) -> list[str]:
    client, server = probes.all_ms, probes.server_ms
    return [
        probes.path,
        str(len(client)),
        f"{percentile(client, 50):.2f}",
        f"{percentile(client, 99):.2f}",
        f"{max(client):.2f}",
        f"{percentile(server, 99):.3f}",
        f"{max(server, default=float('nan')):.3f}",
        str(probes.states),
    ]
