"""Resident memory over many requests, of every size that callers send."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from benchmarks.markdown import Row, number, table
from benchmarks.measure import MIB, Bench
from benchmarks.peer import classify_body
from benchmarks.process import BenchmarkError
from benchmarks.server import Server
from benchmarks.threads import SLOT_NOTE, ms_by_group
from benchmarks.workload import Texts

N_BEFORE = 1000
N_PARTS = 10
CLIENTS = 32
SIZES = (1, 2, 8)
SHARES = (0.9, 0.07, 0.03)


@dataclass(frozen=True)
class Moment:
    """Resident memory once so many requests were answered since the start."""

    n_requests: int
    resident_mib: float


@dataclass(frozen=True)
class Soak:
    """What a server held at the start, after the first requests, and on the way to the last.

    `cpu_ms` is what a text cost, by group of threads; empty where the server names none.
    """

    title: str
    moments: tuple[Moment, ...]
    n_texts: int
    cpu_ms: dict[str, float]

    @property
    def grown_mib(self) -> float:
        """From the first requests to the last."""
        return self.moments[-1].resident_mib - self.moments[1].resident_mib


def soak(
    server: Server, bench: Bench, texts: Texts, n_more: int, on_part: Callable[[], None]
) -> Soak:
    """Sends the first requests, then `n_more` in parts.

    Raises:
        BenchmarkError: a request was not answered.
    """
    generator = np.random.default_rng(texts.seed)
    moments = [_moment(server, 0)]
    parts = [N_BEFORE, *part_sizes(n_more)]
    n_texts, before = 0, server.threads()
    for n in parts:
        on_part()
        sizes = generator.choice(SIZES, size=n, p=SHARES)
        requests = [texts.take(int(size)) for size in sizes]
        _send(server, bench, requests)
        n_texts += sum(map(len, requests))
        moments.append(_moment(server, moments[-1].n_requests + n))
    cpu_ms = ms_by_group(before, server.threads(), n_texts)
    return Soak(server.peer.title, tuple(moments), n_texts, cpu_ms)


def part_sizes(n: int) -> list[int]:
    """So many requests in parts of about equal size."""
    bounds = [n * part // N_PARTS for part in range(N_PARTS + 1)]
    return [end - begin for begin, end in pairwise(bounds) if end > begin]


def _send(server: Server, bench: Bench, requests: list[list[str]]) -> None:
    bodies = tuple(classify_body(r[0] if len(r) == 1 else r) for r in requests)
    outcome = bench.send(server, bodies, clients=CLIENTS, at_least=len(bodies))
    if outcome.n_errors:
        raise BenchmarkError(f"{outcome.n_errors} errors, first: {outcome.first_error}")


def _moment(server: Server, n_requests: int) -> Moment:
    return Moment(n_requests, server.started.usage().resident_bytes / MIB)


def section(found: Soak) -> tuple[str, ...]:
    """Heading, table and what was sent."""
    shares = ", ".join(f"{share:.0%} with {n}" for n, share in zip(SIZES, SHARES, strict=True))
    note = (
        f"Resident memory in MiB, of all the server's processes. {CLIENTS} clients send "
        f"{found.n_texts} texts of mixed lengths; of the requests {shares}. Grown: from "
        f"{N_BEFORE} requests to the last."
    )
    costs = ", ".join(f"{group} {ms:.3f}" for group, ms in found.cpu_ms.items())
    return (
        "## Memory over many requests",
        soak_table(found),
        note,
        f"CPU ms/text by thread: {costs}. {SLOT_NOTE}" if costs else "",
    )


def soak_table(found: Soak) -> str:
    """Resident memory by number of requests, a column each."""
    header = ["server", *(f"{moment.n_requests} requests" for moment in found.moments), "grown"]
    row: Row = [found.title, *(number(moment.resident_mib, 1) for moment in found.moments)]
    return table(header, [[*row, number(found.grown_mib, 1)]])
