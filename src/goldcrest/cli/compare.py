"""``goldcrest compare``: which model, in which precision, suits."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldcrest.cli.given import Assignments, Settings, settings
from goldcrest.cli.place import check_files
from goldcrest.errors import ConfigError, NothingFits

if TYPE_CHECKING:
    from goldcrest.compare.course import Course, Makers
    from goldcrest.compare.result import (
        Comparison,
        Limit,
        MeasureName,
        TargetName,
        Updates,
    )
    from goldcrest.config import Config
    from goldcrest.evaluate import MetricName, TextSet


class Where(StrEnum):
    """Where a model will run."""

    CPU = "cpu"
    EDGE = "edge"
    SERVERLESS = "serverless"


class HowOften(StrEnum):
    """How often a new version comes."""

    RARELY = "rarely"
    DAILY = "daily"
    HOURLY = "hourly"


_WHERE: Mapping[Where, TargetName] = {
    Where.CPU: "cpu",
    Where.EDGE: "edge",
    Where.SERVERLESS: "serverless",
}
_HOW_OFTEN: Mapping[HowOften, Updates] = {
    HowOften.RARELY: "rarely",
    HowOften.DAILY: "daily",
    HowOften.HOURLY: "hourly",
}
_FLAGS: Mapping[str, MeasureName] = {
    "--min-quality": "quality",
    "--min-accuracy": "quality",
    "--max-memory": "memory",
    "--max-p99": "p99",
    "--max-start": "start",
    "--max-swap": "swap",
    "--max-artifact": "artifact",
}


def compare(  # noqa: PLR0913  # typer reads the options from the parameters
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Folders, built-in names or Hub ids, each with :PRECISION if wanted, as in "
            "sentiment:int8.",
        ),
    ],
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="FILE",
            help="Texts to ask: JSON lines, CSV or TSV with text and label, or a text per line.",
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option("--metric", metavar="NAME", help="Of quality; else what fits the labels."),
    ] = None,
    min_quality: Annotated[
        str | None, typer.Option("--min-quality", metavar="SHARE", help="As 0.9 or 90%.")
    ] = None,
    min_accuracy: Annotated[
        str | None,
        typer.Option("--min-accuracy", metavar="SHARE", help="The same, and says what it is."),
    ] = None,
    max_memory: Annotated[
        str | None, typer.Option("--max-memory", metavar="SIZE", help="As 300MB.")
    ] = None,
    max_p99: Annotated[
        str | None, typer.Option("--max-p99", metavar="TIME", help="One client; as 20ms.")
    ] = None,
    max_start: Annotated[
        str | None,
        typer.Option("--max-start", metavar="TIME", help="First start to first answer; as 2s."),
    ] = None,
    max_swap: Annotated[
        str | None,
        typer.Option("--max-swap", metavar="TIME", help="For a new version to take over."),
    ] = None,
    max_artifact: Annotated[
        str | None, typer.Option("--max-artifact", metavar="SIZE", help="On disk; as 100MB.")
    ] = None,
    target: Annotated[
        Where, typer.Option("--target", help="Where it will run: weighs, and limits.")
    ] = Where.CPU,
    updates: Annotated[
        HowOften, typer.Option("--updates", help="How often a new version comes.")
    ] = HowOften.RARELY,
    rounds: Annotated[
        int, typer.Option("--rounds", metavar="N", help="Of each, taking turns.", min=1, max=100)
    ] = 3,
    seconds: Annotated[
        float,
        typer.Option("--seconds", metavar="S", help="Per figure and round.", min=0.05, max=600),
    ] = 3.0,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The report.")] = Path(
        "compare.html"
    ),
    as_json: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", help="The figures.", show_default="beside the report"
        ),
    ] = None,
    config: Settings = None,
    assignments: Assignments = None,
) -> None:
    """Measure models beside each other on this machine, and pick the one that suits."""
    from goldcrest.compare.contender import read_contenders
    from goldcrest.compare.course import Course
    from goldcrest.compare.target import TARGETS

    signal.signal(signal.SIGTERM, _end)  # else a process that was started would stay
    limits = _limits(
        {
            "--min-quality": min_quality,
            "--min-accuracy": min_accuracy,
            "--max-memory": max_memory,
            "--max-p99": max_p99,
            "--max-start": max_start,
            "--max-swap": max_swap,
            "--max-artifact": max_artifact,
        }
    )
    beside = as_json or out.with_suffix(".json")
    _check_out(out, beside)
    wanted = _metric(metric, is_accuracy=min_accuracy is not None)
    course = Course(
        contenders=read_contenders(models),
        config=settings(config, {}, assignments or ()).config,
        target=TARGETS[_WHERE[target]],
        updates=_HOW_OFTEN[updates],
        data=_data(data, limits, wanted),
        metric=wanted,
        given=limits,
        n_rounds=rounds,
        seconds=seconds,
        command=("goldcrest", *sys.argv[1:]),
    )
    _finish(_watched(course), out, beside)


def _end(number: int, _: object) -> None:
    sys.exit(128 + number)


def _limits(given: Mapping[str, str | None]) -> tuple[Limit, ...]:
    """The limits that flags set, each read in its own unit.

    Raises:
        ConfigError: one is not written as it must be, or two are about the same.
    """
    from goldcrest.compare.limit import read_limit

    if given["--min-quality"] and given["--min-accuracy"]:
        raise ConfigError("--min-quality and --min-accuracy set the same limit; give one of them")
    return tuple(
        read_limit(_FLAGS[flag], text, flag) for flag, text in given.items() if text is not None
    )


def _check_out(out: Path, beside: Path) -> None:
    """Refuse a place for the report before the work rather than after it."""
    if out.suffix == ".json" or out == beside:
        raise ConfigError(f"--out {out} is for the page; its JSON goes beside it, or to --json")
    check_files(out, beside)


def _data(
    file: Path | None, limits: tuple[Limit, ...], metric: MetricName | None
) -> TextSet | None:
    from goldcrest.evaluate import RELATIVE, read_set

    by = next((limit.by for limit in limits if limit.measure == "quality"), "")
    if file is None:
        if by:
            raise ConfigError(f"{by} needs texts to judge quality by: give --data")
        return None
    data = read_set(file)
    if by and (metric in RELATIVE or all(row.label is None for row in data.rows)):
        raise ConfigError(
            f"{by} needs labels: without them, quality is only how far a model agrees with the "
            "one that is named first"
        )
    return data


def _metric(name: str | None, *, is_accuracy: bool) -> MetricName | None:
    from goldcrest.evaluate import METRICS

    if is_accuracy and name not in (None, "accuracy"):
        raise ConfigError(f"--min-accuracy is about accuracy, not --metric {name}: --min-quality")
    wanted = "accuracy" if is_accuracy else name
    if wanted is None:
        return None
    for metric in METRICS:
        if metric == wanted:
            return metric
    raise ConfigError(f"--metric {name!r} is not known; there are: {', '.join(METRICS)}")


def _watched(course: Course) -> Comparison:
    from goldcrest.cli.stages import stages
    from goldcrest.compare.trial import compare as measure

    with stages() as watch:
        return measure(course, makers(course.config), watch)


def makers(config: Config) -> Makers:
    """What opens models for a comparison.

    Args:
        config: the settings in force; the cache folder is where checkpoints are compiled.
    """
    from goldcrest.app.library import load
    from goldcrest.app.source import find_artifact
    from goldcrest.compare.course import Makers

    cache = Path(config.cache.folder)
    return Makers(
        artifact=lambda one, progress: find_artifact(
            one.model, cache=cache, precision=one.precision, progress=progress
        ),
        model=lambda artifact, one: load(str(artifact.folder), config, precision=one.precision),
    )


def _finish(seen: Comparison, out: Path, beside: Path) -> None:
    """Write the reports, say what they say, and fail if nothing fits.

    Raises:
        NothingFits: no contender keeps every limit.
    """
    from goldcrest.cli.table import aligned
    from goldcrest.compare.page import html, table
    from goldcrest.compare.result import write

    try:
        out.write_text(html(seen), encoding="utf-8")
        write(seen, beside)
    except OSError as error:
        raise ConfigError(f"the report {out} cannot be written: {error.strerror}") from error
    shown = table(seen)
    typer.echo(aligned([tuple(shown.heads), *map(tuple, shown.rows)]))
    for failure in seen.failures:
        print(f"goldcrest: {failure.name} is left out: {failure.reason}", file=sys.stderr)
    typer.echo(f"report: {out}, {beside}")
    if seen.choice is None:
        return
    if not seen.choice.chosen:
        raise NothingFits(seen.choice.reason, seen.choice.nearest)
    typer.echo(seen.choice.reason)
