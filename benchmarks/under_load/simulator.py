"""Does the simulator foresee what a real server does? Its p50 and p95 beside those of real runs.

A server is started here and its sustainable rate is looked for: the highest at which p95 stays
within the limit. In each round the server is watched under two loads (10 % and 65 % of that rate)
from which the simulator's figures are fitted as `goldcrest plan` fits them from a load test's
report, and then under 20, 50 and 80 %, which the simulator is to foresee, from the same arrivals
and lengths of texts. The verdict is on the medians of the rounds' ratios.

The machine is shared: what other processes took of the processors during a run is told beside it,
and a run is repeated a few times if that was too much. Server and client run at a higher priority
than most others.
"""

import argparse
import os
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.machine import this_machine
from benchmarks.under_load.real_run import Bench, Run, bench_of, measure_costs, serving
from goldcrest.batching.policy import Policy
from goldcrest.loadtest.fitting import fitted
from goldcrest.loadtest.load import Load, Mix
from goldcrest.loadtest.measured import Measured
from goldcrest.loadtest.simulate import Foreseen, simulate

NICENESS = -20
CALIBRATION = (0.1, 0.65)
CHECKED = (0.2, 0.5, 0.8)
WITHIN = 0.25


def _sustainable(bench: Bench, limit_ms: float) -> float:
    """The highest rate at which p95 is within the limit, to about 10 %."""
    low, high = 0.0, 100.0
    while _holds(bench, high, limit_ms) and high < 20_000:
        low, high = high, high * 1.6
    for _ in range(3):
        middle = (low + high) / 2
        low, high = (middle, high) if _holds(bench, middle, limit_ms) else (low, middle)
    return low


def _holds(bench: Bench, rate: float, limit_ms: float) -> bool:
    for seed in (1, 2):
        run = bench.run(rate, 2.5, seed=seed)
        print(f"  looking: {rate:5.0f}/s p95 {run.quantile_ms(0.95):7.1f} ms", flush=True)
        if run.is_whole and run.quantile_ms(0.95) <= limit_ms:
            return True
    return False


@dataclass(frozen=True)
class Pair:
    """What was real and what was foreseen, in ms."""

    share: float
    rate: float
    real: tuple[float, float]
    foreseen: tuple[float, float]
    foreign: float

    @property
    def ratios(self) -> tuple[float, float]:
        return self.foreseen[0] / self.real[0], self.foreseen[1] / self.real[1]


def _fit(costs: dict[str, float], runs: Sequence[Run]) -> Measured:
    cores = len(os.sched_getaffinity(0))
    n = sum(len(run.due) for run in runs)
    guess = Measured(
        costs=costs,
        cores=cores,
        threads=cores,
        client_s=sum(run.came.cpu_s for run in runs) / n,
    )
    mix = Mix(lengths=tuple(length for run in runs for length in run.lengths))
    return fitted(guess, mix, [run.observed(costs) for run in runs])


def _foresee(measured: Measured, run: Run) -> Foreseen:
    """Simulate the very arrivals and lengths of a real run."""
    n = len(run.due)
    texts = [(length,) for length in run.lengths]
    load = Load(np.array(run.due), texts, ["default"] * n, [None] * n)
    return simulate(measured, load, policy=Policy())


def _round(
    bench: Bench, costs: dict[str, float], rate: float, *, seconds: float, seed: int
) -> Iterator[Pair]:
    runs = {
        share: bench.run(share * rate, seconds, seed=seed)
        for share in sorted((*CALIBRATION, *CHECKED))
    }
    measured = _fit(costs, [runs[share] for share in CALIBRATION])
    print(_described(measured), flush=True)
    for share in CHECKED:
        run, foreseen = runs[share], _foresee(measured, runs[share])
        yield Pair(
            share,
            run.rate,
            (run.quantile_ms(0.5), run.quantile_ms(0.95)),
            (foreseen.quantile_s(0.5) * 1e3, foreseen.quantile_s(0.95) * 1e3),
            run.foreign,
        )


def _described(measured: Measured) -> str:
    loop_s = measured.request_s + measured.answer_s
    return (
        f"  fitted: loop {loop_s * 1e6:.0f} us a request + {measured.wake_s * 1e6:.0f} us a wake, "
        f"runs x{statistics.mean(measured.fresh):.2f} after a pause, "
        f"x{statistics.mean(measured.steady):.2f} at once, outside "
        f"{measured.outside_s * 1e3:.2f} ms, client {measured.client_s * 1e6:.0f} us"
    )


def _told(pair: Pair) -> str:
    return (
        f"  {pair.share:4.0%} {pair.rate:6.0f}/s  p50 {pair.real[0]:7.2f} real "
        f"{pair.foreseen[0]:7.2f} simulated x{pair.ratios[0]:.2f}   p95 {pair.real[1]:7.2f} real "
        f"{pair.foreseen[1]:7.2f} simulated x{pair.ratios[1]:.2f}   others took {pair.foreign:.0%}"
    )


def _verdict(pairs: Sequence[Pair]) -> bool:
    is_good = True
    for share in CHECKED:
        for place, name in enumerate(("p50", "p95")):
            ratio = statistics.median(p.ratios[place] for p in pairs if p.share == share)
            fits = abs(ratio - 1) <= WITHIN
            is_good = is_good and fits
            print(f"{share:4.0%} {name}: x{ratio:.2f} {'within' if fits else 'NOT within'} 25 %")
    return is_good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="sentiment")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--p95", type=float, default=50.0, help="ms: what is sustainable")
    parser.add_argument("--rate", type=float, help="the sustainable rate, if it is known")
    parser.add_argument("--json", type=Path, help="write the pairs there")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server is ended too
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    print(msgspec.json.encode(this_machine()).decode())
    with tempfile.TemporaryDirectory() as name:
        pairs = _compared(given, Path(name))
    if given.json:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(pairs)))
    sys.exit(0 if _verdict(pairs) else 1)


def _compared(given: argparse.Namespace, folder: Path) -> list[Pair]:
    costs = measure_costs(given.model, folder)
    pairs = []
    with serving(given.model, folder) as process:
        bench = bench_of(given.model, folder, process)
        rate = given.rate or _sustainable(bench, given.p95)
        print(f"sustainable: {rate:.0f} requests/s with p95 <= {given.p95:g} ms", flush=True)
        for number in range(given.rounds):
            print(f"round {number + 1}", flush=True)
            for pair in _round(bench, costs, rate, seconds=given.seconds, seed=10 + number):
                print(_told(pair), flush=True)
                pairs.append(pair)
    return pairs


if __name__ == "__main__":
    main()
