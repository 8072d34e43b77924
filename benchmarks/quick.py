"""A smoke test of some twenty seconds: Goldcrest alone, under load, answering as it should."""

import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from benchmarks.answers import Reference, deviation
from benchmarks.client import Outcome
from benchmarks.measure import Bench, percentiles
from benchmarks.peer import Peer, Site, Tolerance, goldcrest
from benchmarks.process import BenchmarkError
from benchmarks.server import Server, free_port, serving
from benchmarks.workload import N_PROBES, Size, Texts, find_vocabulary, vocabulary_words

CLIENTS = 32
N_ALONE = 40
N_TOGETHER = 400
LIMIT_S = 20.0
SAME = Tolerance(largest=0.01, mean=0.001)  # bf16 sums in another order in another grid


def main(root: Path, *, artifact: Path | None, vocabulary: Path | None, console: Console) -> int:
    """Asks one text after the other, then all at once, and wants the same answers."""
    peer = quick_peer(artifact)
    own = artifact / "tokenizer.json" if artifact else None
    texts = Texts(vocabulary_words(find_vocabulary(vocabulary or own, root)), seed=2)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bench = Bench(root, home, Size(), Reference({}))
        site = _site(artifact, home)
        server = stack.enter_context(
            serving(peer, site, probes=texts.take(N_PROBES), log=bench.log(peer))
        )
        check(server, bench, texts.take(N_TOGETHER), console)
    return 0


def quick_peer(artifact: Path | None) -> Peer:
    """Goldcrest as it comes, with the model that it ships unless another is given."""
    source = ("{artifact}",) if artifact else ()
    return replace(
        goldcrest("auto"),
        command=("{bin}/goldcrest", "serve", *source, "--port", "{port}"),
        env={},
    )


def _site(artifact: Path | None, home: Path) -> Site:
    nowhere = home / "none"
    return Site(
        python=Path(sys.executable),
        model=nowhere,
        artifact=artifact or nowhere,
        home=home,
        programs=nowhere,
        port=free_port(),
    )


def check(server: Server, bench: Bench, texts: list[str], console: Console) -> None:
    """Loads the server twice and compares; raises when an answer is missing or another."""
    alone = _load(server, bench, texts[:N_ALONE], clients=1)
    together = _load(server, bench, texts, clients=CLIENTS)
    apart = deviation(_probabilities(server, together), _probabilities(server, alone))
    for outcome in (alone, together):
        console.print(_line(outcome), markup=False, highlight=False)
        if outcome.n_errors:
            raise BenchmarkError(f"{outcome.n_errors} errors, first: {outcome.first_error}")
    console.print(f"alone and together differ by {apart.largest:.6f} at most", highlight=False)
    if not apart.is_within(SAME):
        raise BenchmarkError(f"answers differ under load: {apart}")


def _load(server: Server, bench: Bench, texts: list[str], *, clients: int) -> Outcome:
    return bench.load(
        server,
        texts,
        clients=clients,
        at_least=len(texts),
        keep=tuple(range(N_ALONE)),
        stall_s=LIMIT_S,
    )


def _probabilities(server: Server, outcome: Outcome) -> list[list[float]]:
    return [server.peer.answer(outcome.kept[index]) for index in sorted(outcome.kept)]


def _line(outcome: Outcome) -> str:
    p50, _, p99 = percentiles(outcome.latencies_ms)
    rate = f"{outcome.throughput:.0f} texts/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms"
    return f"{outcome.n_answers} answers, {outcome.n_errors} errors, {rate}"
