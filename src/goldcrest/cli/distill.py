"""``goldcrest distill``: a small model taught by a larger one."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldcrest.cli.distill_options import Options
from goldcrest.errors import ConfigError

if TYPE_CHECKING:
    from goldcrest.app.library import Model
    from goldcrest.distill.config import Stage
    from goldcrest.distill.result import Report
    from goldcrest.distill.stages import Order
    from goldcrest.distill.watch import Watch

_EXTRA = ("torch", "transformers")


def distill(options: Options) -> None:
    """Train a student: on labels, or on what a teacher says of texts."""
    stages = _stages(options)
    _check_extra()
    # Threads that spin while they wait would slow each other where something else runs too.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from goldcrest.cli.distilling import watching
    from goldcrest.distill.stages import Order, is_finished

    with watching() as watch, _ending() as must_end:
        for stage, out in stages:
            if options.resume and is_finished(out):
                watch.say(f"{stage.name}: finished before, in {out}")
            else:
                _run(Order(stage, out, resumes=options.resume, must_end=must_end), watch)


def _stages(options: Options) -> Sequence[tuple[Stage, Path]]:
    """What is to be run, and the folder of each result."""
    from goldcrest.distill.recipe import read_recipe, referred, stage_of

    if options.config is None:
        if options.only or options.variables:
            raise ConfigError("--stage and --set are about a recipe; give it by --config")
        return [(stage_of(options.stage, origin="the command line"), options.out)]
    stages = read_recipe(
        options.config, variables=_variables(options.variables), overrides=options.stage
    )
    chosen = [stage for stage in stages if options.only in (None, stage.name)]
    if not chosen:
        names = ", ".join(stage.name for stage in stages)
        raise ConfigError(f"{options.config} has no stage {options.only!r}; it has: {names}")
    _check_earlier(chosen, options.out)
    return [(referred(stage, options.out), options.out / stage.name) for stage in chosen]


def _check_earlier(chosen: Sequence[Stage], out: Path) -> None:
    """Refuse a stage that wants the result of another which is neither there nor run first."""
    from goldcrest.distill.recipe import references

    for place, stage in enumerate(chosen):
        first = {one.name for one in chosen[:place]}
        for name in references(stage) - first:
            if not (out / name / "config.json").is_file():
                raise ConfigError(
                    f"the stage {stage.name!r} wants the result of {name!r}, which is not in "
                    f"{out / name}; run that stage first"
                )


def _variables(given: tuple[str, ...]) -> dict[str, str]:
    """Name -> value; one that is a file or folder here is meant as such."""
    found = {}
    for text in given:
        name, _, value = text.partition("=")
        if not (name and value):
            raise ConfigError(f"--set {text!r} is not valid; write NAME=VALUE")
        found[name] = str(Path(value).absolute()) if Path(value).exists() else value
    return found


def _check_extra() -> None:
    from importlib.util import find_spec

    missing = [name for name in _EXTRA if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"training needs {' and '.join(missing)}, which cannot be imported here; "
            "run: pip install 'goldcrest[train]'"
        )


def _run(order: Order, watch: Watch) -> None:
    """Run a stage, judge its student, and write the report."""
    from datetime import UTC, datetime

    from goldcrest.distill.judging import judge
    from goldcrest.distill.result import Report
    from goldcrest.distill.stages import run

    began_at = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    finished = run(order, watch)
    judged = judge(finished, watch, lambda folder: _served(folder, order.stage.max_length))
    command = ("goldcrest", *sys.argv[1:])
    report = Report(training=finished.training, judged=judged, command=command, began_at=began_at)
    _tell(report, order.out)


def _served(folder: Path, max_length: int) -> Model:
    from goldcrest.app.library import load

    return load(str(folder), max_length=max_length)


def _tell(report: Report, out: Path) -> None:
    from goldcrest.cli.table import aligned
    from goldcrest.distill.page import HEADS, headline, html, rows
    from goldcrest.distill.result import write

    page = out / "report.html"
    write(report, out / "report.json")
    page.write_text(html(report), encoding="utf-8")
    print(headline(report))
    if report.judged:
        print(aligned([HEADS, *rows(report)]))
    print(f"{report.training.stage.name}: {out}; report: {page}")


@contextmanager
def _ending() -> Iterator[Callable[[], bool]]:
    """Yield what says whether somebody wants the run to end; the second time it ends at once."""
    asked: list[int] = []

    def ask(number: int, _: Any) -> None:
        asked.append(number)
        signal.signal(number, before[number])

    before: dict[int, Any] = {
        number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
