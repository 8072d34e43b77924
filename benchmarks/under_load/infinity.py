"""Infinity under the same loads, where it can take part: it has no classes, deadlines or refusals."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environments import python_for
from benchmarks.peer import Site, infinity
from benchmarks.process import BenchmarkError
from benchmarks.server import exchange, free_port
from benchmarks.server import serving as peer_serving
from benchmarks.under_load.accounting import Account, Judge, read_rows
from benchmarks.under_load.driving import drive
from benchmarks.under_load.figures import Bar, percentile
from benchmarks.under_load.overload import level_of
from benchmarks.under_load.plan import Plan, Sight, Stream
from benchmarks.under_load.result import Bench, Result
from benchmarks.under_load.serving import DISTILBERT, ROOT, Launch, serving
from benchmarks.under_load.settings import NO_CACHE, headers
from benchmarks.under_load.texts import Idle, body

DEADLINE_S = 1.0
N_TEXTS = 160
N_LONG = 24
PER_REQUEST = 8
CLIENTS = 32
FLOOD_CLIENTS = 4
SHORT_RATE = 5.0
TOLERANCE = 0.06
"""Infinity's bf16 answers depend on what else is in the batch."""


@dataclass(frozen=True)
class Party:
    """One server in the comparison, and how it is asked.

    Attributes:
        body: a request for some texts.
        read: the rows of its answer.
        urgent: headers of what matters most, where there are such; ``bulk`` of what does not.
    """

    title: str
    port: int
    path: str
    body: Callable[[Sequence[str]], str]
    read: Callable[[bytes], Sequence[Sequence[float]]]
    urgent: dict[str, str]
    bulk: dict[str, str]
    in_time: dict[str, str]


@dataclass(frozen=True)
class Found:
    """What one party did."""

    capacity: float
    goodput: float
    n_refused: int
    alone_ms: tuple[float, float]
    flooded_ms: tuple[float, float]
    account: Account


@contextmanager
def goldcrest(bench: Bench) -> Iterator[Party]:
    """Goldcrest with the INT8 artifact."""
    with serving(Launch(DISTILBERT, NO_CACHE), bench.home) as server:
        yield Party(
            title="goldcrest int8",
            port=server.port,
            path="/classify",
            body=lambda texts: body(list(texts)),
            read=read_rows,
            urgent=headers(priority="interactive"),
            bulk=headers(priority="bulk"),
            in_time=headers(timeout_s=DEADLINE_S),
        )


@contextmanager
def infinity_bf16(bench: Bench) -> Iterator[Party]:
    """Infinity as the comparison runs it, on the same weights."""
    peer, home = infinity("bf16", "bfloat16"), ROOT / ".bench"
    programs = ROOT / "benchmarks" / "peers"
    site = Site(
        python=python_for(peer, home=home, requirements=programs, console=bench.console),
        model=_model(home),
        artifact=DISTILBERT.artifact,
        home=home,
        programs=programs,
        port=free_port(),
    )
    log = bench.home / "logs" / "infinity.log"
    with peer_serving(peer, site, probes=["one text", "and another"], log=log) as server:
        yield Party(
            title=peer.title,
            port=server.port,
            path=peer.path,
            body=lambda texts: json.dumps({"model": "bench", "input": list(texts)}),
            read=read_infinity,
            urgent={},
            bulk={},
            in_time={},
        )


def _model(home: Path) -> Path:
    if not (home / "model" / "config.json").is_file():
        raise BenchmarkError("there is no model in .bench/model: run `make bench` once")
    return home / "model"


def read_infinity(answer: bytes) -> list[list[float]]:
    """Infinity sorts each text's labels by probability; this puts them in order again."""
    rows = json.loads(answer)["data"]
    return [
        [s["score"] for s in sorted(row, key=lambda s: int(s["label"].removeprefix("LABEL_")))]
        for row in rows
    ]


def run(bench: Bench) -> list[Result]:
    """Both servers, one after the other."""
    found: dict[str, Found] = {}
    for start in (goldcrest, infinity_bf16):
        with start(bench) as party:
            found[party.title] = _measure(party, bench)
            bench.say(f"{party.title}: {found[party.title].goodput:.1f}/s in time")
    ours, theirs = found.values()
    result = Result("infinity", DISTILBERT.title)
    result.bars = [
        Bar(
            "goodput at twice the capacity, of Infinity's",
            ours.goodput,
            theirs.goodput,
            "/s",
            is_floor=True,
        ),
        Bar(
            "short texts' p99 in a flood, beside Infinity's",
            ours.flooded_ms[1],
            theirs.flooded_ms[1],
            "ms",
        ),
    ]
    result.rows = [
        [
            "server",
            "closed loop/s",
            "in time at twice that/s",
            "refused",
            "short alone p50 / p99 ms",
            "in a flood of long ones",
        ],
        *(_row(title, one) for title, one in found.items()),
    ]
    result.accounts = {"goldcrest": ours.account}
    result.notes = [
        (
            f"An answer counts if it comes within {DEADLINE_S:.0f} s. Infinity has no deadlines and "
            "refuses nothing: what it answers too late is work for nobody. In the flood "
            f"{FLOOD_CLIENTS} clients send {PER_REQUEST} long texts a request; Goldcrest is told that "
            "they are bulk. Infinity's answers are held against its own when it is idle: "
            f"{dict(theirs.account.counts)}."
        )
    ]
    return [result]


def _measure(party: Party, bench: Bench) -> Found:
    words = DISTILBERT.language
    texts, long_texts = words.mixed(N_TEXTS, seed=81), words.short(N_LONG, seed=82, n_words=180)
    short = words.short(60, seed=83)
    idle = _ask(party, [*texts, *long_texts, *short])
    single = tuple(party.body([text]) for text in texts)
    warming = _stream(party, "warm", single, clients=CLIENTS, seconds=bench.seconds(6))
    _drive(party, bench, warming)
    closed = _stream(party, "closed", single, clients=CLIENTS, seconds=bench.seconds(8))
    done = _drive(party, bench, closed).stream("closed")
    capacity = sum(status == 200 for status in done.status) / max(done.done)
    seconds = bench.seconds(12)
    over = _stream(party, "over", single, rate=2 * capacity, seconds=seconds, headers=party.in_time)
    judge = Judge([[text] for text in texts], idle, read=party.read)
    level = level_of(_drive(party, bench, over), "over", deadline_s=DEADLINE_S, judge=judge)
    alone, flooded = _flood(party, bench, short, long_texts)
    return Found(capacity, level.goodput, level.account.n_refused, alone, flooded, level.account)


def _flood(
    party: Party, bench: Bench, short: list[str], long_texts: list[str]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Latency of short texts by themselves, and while long ones are sent."""
    seconds = bench.seconds(15)
    singles = tuple(party.body([text]) for text in short)
    lists = [long_texts[at : at + PER_REQUEST] for at in range(0, N_LONG, PER_REQUEST)]
    few = _stream(party, "short", singles, rate=SHORT_RATE, seconds=seconds, headers=party.urgent)
    flood = _stream(
        party,
        "flood",
        tuple(map(party.body, lists)),
        clients=FLOOD_CLIENTS,
        seconds=seconds,
        headers=party.bulk,
    )
    alone = _drive(party, bench, few).stream("short").latencies_ms()
    both = _drive(party, bench, few, flood).stream("short").latencies_ms()
    return (
        (percentile(alone, 50), percentile(alone, 99)),
        (percentile(both, 50), percentile(both, 99)),
    )


def _stream(party: Party, name: str, bodies: tuple[str, ...], **more: object) -> Stream:
    return Stream(name=name, bodies=bodies, path=party.path, **more)  # type: ignore[arg-type]  # checked by the struct's users


def _drive(party: Party, bench: Bench, *streams: Stream) -> Sight:
    plan = Plan(port=party.port, streams=streams, patience_s=90.0)
    return drive(plan, bench.home)


def _ask(party: Party, texts: Sequence[str]) -> Idle:
    """Has the idle server answer each text, alone."""
    answers = (exchange(party.port, "POST", party.path, party.body([text])) for text in texts)
    rows = {t: tuple(party.read(a.encode())[0]) for t, a in zip(texts, answers, strict=True)}
    return Idle(rows, TOLERANCE)


def _row(title: str, one: Found) -> list[str]:
    return [
        title,
        f"{one.capacity:.1f}",
        f"{one.goodput:.1f}",
        str(one.n_refused),
        f"{one.alone_ms[0]:.0f} / {one.alone_ms[1]:.0f}",
        f"{one.flooded_ms[0]:.0f} / {one.flooded_ms[1]:.0f}",
    ]
