"""``python -m benchmarks.reports``: measures the well-known encoders and writes docs/reports."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import msgspec

from benchmarks.reports.making import contenders, make
from benchmarks.reports.writing import write_all
from goldcrest.cli.compare import makers
from goldcrest.cli.stages import stages
from goldcrest.compare.contender import Contender, read_contenders
from goldcrest.compare.course import Course
from goldcrest.compare.result import Comparison
from goldcrest.compare.target import TARGETS
from goldcrest.compare.trial import compare
from goldcrest.config import load

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Make the models, measure them, write the reports."""
    options = _options()
    home = options.work.resolve()
    named = [one for one in read_contenders(contenders()) if _is_wanted(one, options.only)]
    course = Course(
        contenders=tuple(_at(one, home / "checkpoints") for one in named),
        config=load({"cache.folder": str(home / "cache")}, environ=os.environ).config,
        target=TARGETS["cpu"],
        n_rounds=options.rounds,
        seconds=options.seconds,
        command=("python", "-m", "benchmarks.reports"),
    )
    _prepare(course, home / "checkpoints")
    if options.prepare:
        return
    with stages() as watch:
        seen = compare(course, makers(course.config), watch)
    for file in write_all(_told(seen, named), options.output):
        print(file)


def _prepare(course: Course, folder: Path) -> None:
    """Write and compile what is not there yet."""
    build = makers(course.config)
    with stages() as watch:
        watch.begin(2 * len(course.contenders))
        for one in course.contenders:
            watch.step(f"{one.name}: random weights")
            make(folder, Path(one.model).name)
            watch.step(f"{one.name}: compiling")
            build.artifact(one, watch.tell)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="per figure and round")
    parser.add_argument("--only", help="names of models, as bert-base,distilbert")
    parser.add_argument("--prepare", action="store_true", help="compile only, measure nothing")
    parser.add_argument("--work", type=Path, default=ROOT / ".bench" / "reports")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "reports")
    return parser.parse_args()


def _is_wanted(one: Contender, only: str | None) -> bool:
    return only is None or one.model in only.split(",")


def _at(one: Contender, folder: Path) -> Contender:
    return Contender(one.name, str(folder / one.model), one.precision)


def _told(seen: Comparison, chosen: list[Contender]) -> Comparison:
    """Without the folders of this machine, and without a pick: nobody asked for one."""
    models = {one.name: one.model for one in chosen}
    named = tuple(msgspec.structs.replace(one, model=models[one.name]) for one in seen.measured)
    return msgspec.structs.replace(seen, measured=named, choice=None)


if __name__ == "__main__":
    main()
