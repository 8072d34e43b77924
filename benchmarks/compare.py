"""Compares Goldcrest with other servers on this machine: `python -m benchmarks.compare`.

One server runs at a time. Results go to `benchmarks/results/`; the exit code is 1 when a server
failed, erred or answered outside its tolerance.
"""

import argparse
import json
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import quick
from benchmarks.answers import spread
from benchmarks.machine import this_machine
from benchmarks.peer import chosen
from benchmarks.process import BenchmarkError
from benchmarks.report import Results, as_json, as_markdown
from benchmarks.series import PARTS, Series, parts_of
from benchmarks.stage import Options, set_up
from benchmarks.workload import Size

ROOT = Path(__file__).parents[1]
INTERRUPTED = 130


def main() -> int:
    """Runs what the command line asks for."""
    signal.signal(signal.SIGTERM, _interrupt)
    arguments = parse(sys.argv[1:])
    console = Console(stderr=True)
    try:
        if arguments.quick:
            return quick.main(
                ROOT,
                artifact=arguments.artifact,
                vocabulary=arguments.vocab,
                console=console,
            )
        return compare(arguments, console)
    except (BenchmarkError, OSError, ValueError) as error:
        console.print(f"benchmark: {error}", style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Ends as Ctrl-C does, so that every server is ended on the way out."""
    raise KeyboardInterrupt


def _path(given: str) -> Path:
    """Servers run in other folders."""
    return Path(given).resolve()


def parse(words: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.compare", description=__doc__)
    parser.add_argument("--peers", help="names, separated by commas; all by default")
    parser.add_argument("--clients", default="1,8,32,128", help="default: %(default)s")
    parser.add_argument("--requests", type=int, default=600, help="at least, for each level")
    parser.add_argument("--seconds", type=float, default=5.0, help="at least, for each level")
    parser.add_argument("--repeats", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="of the texts")
    parser.add_argument("--vocab", type=_path, help="vocab.txt or tokenizer.json")
    parser.add_argument("--artifact", type=_path, help="Goldcrest's artifact of the same model")
    parser.add_argument("--output", type=_path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--only", default=",".join(PARTS), help="parts; default: %(default)s")
    parser.add_argument("--starts", type=int, default=5, help="of each server, and kind of start")
    parser.add_argument("--soak", type=int, default=10_000, help="requests after the first 1,000")
    parser.add_argument("--quick", action="store_true", help="only Goldcrest, as a smoke test")
    return parser.parse_args(words)


def compare(arguments: argparse.Namespace, console: Console) -> int:
    """Sets up, measures every peer in every repeat, and writes the results."""
    size = Size(
        clients=tuple(int(clients) for clients in arguments.clients.split(",")),
        requests=arguments.requests,
        seconds=arguments.seconds,
    )
    parts = parts_of(arguments.only)
    options = Options(
        peers=chosen(arguments.peers),
        size=size,
        repeats=arguments.repeats,
        seed=arguments.seed,
        vocabulary=arguments.vocab,
        artifact=arguments.artifact,
        needs_reference="load" in parts,
    )
    stage = set_up(ROOT, options, console)
    series = Series(stage, parts, n_starts=arguments.starts, n_soak=arguments.soak)
    with _progress(console, total=series.n_steps) as progress:
        series.run(progress)
    return finish(series, arguments.output, console)


@contextmanager
def _progress(console: Console, *, total: int) -> Iterator[Progress]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    # redrawn rarely: the bar itself must not take part in what is measured
    with Progress(*columns, console=console, refresh_per_second=1) as progress:
        progress.add_task("", total=total)
        yield progress


def finish(series: Series, output: Path, console: Console) -> int:
    """Writes both files, shows the tables, and says what failed."""
    results = _results(series)
    page = as_markdown(results)
    output.mkdir(parents=True, exist_ok=True)
    name = "compare" if series.parts == PARTS else "-".join(series.parts)
    (output / f"{name}.json").write_text(json.dumps(as_json(results), indent=1) + "\n")
    (output / f"{name}.md").write_text(page)
    print(page)
    for failure in series.failures:
        console.print(f"FAILED {failure.peer}: {failure.reason}", style="red", markup=False)
    return 1 if series.failures else 0


def _results(series: Series) -> Results:
    stage = series.stage
    return Results(
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        command="python -m benchmarks.compare " + shlex.join(sys.argv[1:]),
        machine=this_machine(),
        versions=stage.versions,
        size=stage.bench.size,
        repeats=len(stage.scripts),
        spread=spread(list(stage.bench.reference.by_text.values())),
        peers=stage.peers,
        first_start_s=series.first_start_s,
        runs=tuple(series.runs),
        failures=tuple(series.failures),
        starts=tuple(series.starts),
        soak=series.soak,
    )


if __name__ == "__main__":
    sys.exit(main())
