"""Shows what the server promises under load: `python -m benchmarks.under_load`.

Each benchmark starts servers of its own, prints its figures and the bars they are held against, and
is written beside earlier ones to `benchmarks/results/under_load.md` and `.json`. The exit code is 1
when a bar was not met or an answer was wrong, doubled or lost.
"""

from __future__ import annotations

import argparse
import importlib
import shlex
import signal
import sys
import tempfile
from http.client import HTTPException
from pathlib import Path
from types import FrameType

from rich.console import Console

from benchmarks.process import BenchmarkError
from benchmarks.under_load.others import moment, others_cores
from benchmarks.under_load.result import Bench, Result, as_data, show, write

ROOT = Path(__file__).parents[2]
INTERRUPTED = 130
NAMES = ("flood", "overload", "hit", "live", "small", "recycle", "infinity", "chaos")
"""In the order in which they run, the longest last."""


def parse(words: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.under_load", description=__doc__)
    parser.add_argument("--only", default=",".join(NAMES), help="names; default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="short runs, to see that all works")
    parser.add_argument("--requests", type=int, help="of the chaos run; default: 200000")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results")
    return parser.parse_args(words)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Ends as Ctrl-C does, so that every server is ended on the way out."""
    raise KeyboardInterrupt


def main() -> int:
    """Runs what the command line asks for."""
    signal.signal(signal.SIGTERM, _interrupt)
    given = parse(sys.argv[1:])
    names = given.only.split(",")
    if unknown := set(names) - set(NAMES):
        print(f"no benchmark is named {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
        return 2
    command = shlex.join(("python", "-m", "benchmarks.under_load", *_told(sys.argv[1:])))
    (ROOT / ".bench").mkdir(exist_ok=True)
    # a folder of its own: what servers measured in another run, amid other noise, is not known
    with tempfile.TemporaryDirectory(dir=ROOT / ".bench", prefix="under_load-") as folder:
        console = Console(stderr=True, soft_wrap=True)
        bench = Bench(Path(folder), console, is_quick=given.quick, n_chaos=given.requests)
        try:
            return run([name for name in NAMES if name in names], bench, command, given.output)
        except KeyboardInterrupt:
            return INTERRUPTED


def _told(words: list[str]) -> list[str]:
    """What of the command line says what was measured: all but where the page goes."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--output")
    return parser.parse_known_args(words)[1]


def run(names: list[str], bench: Bench, command: str, output: Path) -> int:
    """Runs benchmarks one after the other; one that cannot be run does not keep the next."""
    results: list[Result] = []
    failed = False
    for name in names:
        begun = moment()
        try:
            found = importlib.import_module(f"benchmarks.under_load.{name}").run(bench)
        except (BenchmarkError, OSError, ValueError, HTTPException) as error:
            bench.say(f"FAILED {name}: {error}")
            failed = True
            continue
        ended = moment()
        for result in found:
            result.others_cores = others_cores(begun, ended)
            show(result, bench)
        results += found
        if not bench.is_quick:
            write([as_data(result, command) for result in found], output)
        bench.say(f"   ({name} took {ended.at - begun.at:.0f} s)")
    return int(failed or not all(result.is_met for result in results))


if __name__ == "__main__":
    sys.exit(main())
