"""Measures both parts, or one of them: `python -m benchmarks.precision --help`."""

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console

from benchmarks.machine import this_machine
from benchmarks.precision import limits, quality
from benchmarks.precision.results import Conditions, Quality, joined, kept, write
from benchmarks.precision.sets import TASKS

ROOT = Path(__file__).parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=models, default={}, metavar="TASK=FOLDER,...")
    parser.add_argument("--data", type=Path, help="folder of the data sets, for --models")
    parser.add_argument("--only", choices=("speed", "quality"))
    parser.add_argument("--limits", type=names, default=(), metavar="NAME,...")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    if options.models and options.data is None:
        parser.error("--models needs --data")
    console, home = Console(), ROOT / ".bench" / "precision"
    home.mkdir(parents=True, exist_ok=True)
    began = Conditions(
        machine=this_machine(),
        began_at=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        load=os.getloadavg()[0],
    )
    results = kept(options.output / "precision.json")
    if options.only != "quality":
        found = limits.standings(
            home, ROOT, names=options.limits, n_rounds=options.rounds, console=console
        )
        speed = joined(results.speed, found, began)
        results = msgspec.structs.replace(results, speed=speed)
        write(results, options.output)
    if options.only != "speed" and options.models:
        reports = quality.reports(
            options.models, options.data, home, n_rounds=options.rounds, console=console
        )
        before = dict(results.quality.reports) if results.quality else {}
        judged = Quality(reports=before | reports, conditions=began)
        results = msgspec.structs.replace(results, quality=judged)
        write(results, options.output)
    console.print((options.output / "precision.md").read_text(), markup=False, highlight=False)


def models(text: str) -> dict[str, Path]:
    """TASK=FOLDER,TASK=FOLDER."""
    pairs = (part.partition("=") for part in text.split(","))
    found = {task: Path(folder) for task, _, folder in pairs}
    if unknown := found.keys() - TASKS.keys():
        raise argparse.ArgumentTypeError(f"{unknown} are not among {', '.join(TASKS)}")
    return found


def names(text: str) -> tuple[str, ...]:
    """Names of limits."""
    found = tuple(text.split(","))
    known = [limit.name for limit in limits.LIMITS]
    if unknown := set(found) - set(known):
        raise argparse.ArgumentTypeError(f"{unknown} are not among {', '.join(known)}")
    return found


if __name__ == "__main__":
    main()
