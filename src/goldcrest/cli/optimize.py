"""``goldcrest optimize``: the precisions of a model, and which of them to serve."""

from __future__ import annotations

import shlex
import signal
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import typer

from goldcrest.cli.given import settings
from goldcrest.cli.optimize_options import Options
from goldcrest.cli.place import check_files
from goldcrest.errors import ConfigError

if TYPE_CHECKING:
    from goldcrest.artifact import Artifact
    from goldcrest.config import Config
    from goldcrest.engine.choice import Candidate
    from goldcrest.evaluate import MetricName, TextSet
    from goldcrest.optimize.result import Report
    from goldcrest.optimize.watch import Tools
    from goldcrest.optimize.wish import Wish


def optimize(options: Options) -> None:
    """Find the fastest precision that keeps a model's quality, on this machine and these texts."""
    if options.cascade:
        from goldcrest.cli.optimize_cascade import optimize_cascade

        optimize_cascade(options)
    else:
        optimize_precision(options)


def optimize_precision(options: Options) -> None:
    """Try the precisions of one model, and write an artifact of those that pass."""
    from goldcrest.cli.optimizing import optimizing
    from goldcrest.cli.steps import steps
    from goldcrest.optimize.optimising import optimize as tried

    signal.signal(signal.SIGTERM, _end)  # else the graphs that were tried would stay
    model = _only(options.models)
    given = {"engine.threads": options.threads}
    config = settings(options.config, given, options.assignments or ()).config
    wish = _wish(model, options)
    _check_out(wish.out)
    with steps() as progress:
        from goldcrest.app.source import find_artifact

        base = find_artifact(model, cache=Path(config.cache.folder), progress=progress)
    if base.folder.resolve() == wish.out.resolve():
        raise ConfigError(
            f"--out {wish.out} is the model itself, which would lose the precisions that do not "
            "pass; give another folder"
        )
    with _tools(config) as tools, optimizing() as watch:
        outcome = tried(wish, base, tools, watch)
    _write(outcome.report, wish.out)
    if outcome.refusal is not None:
        raise outcome.refusal


def _end(number: int, _: object) -> None:
    sys.exit(128 + number)


def _only(models: list[str]) -> str:
    if len(models) > 1:
        raise ConfigError(
            f"one MODEL is optimised at a time, not {len(models)}: {', '.join(models)}"
        )
    return models[0]


def _wish(model: str, options: Options) -> Wish:
    from goldcrest.optimize.wish import Wish

    return Wish(
        model=model,
        data=read_rows(options.data, options),
        held_back=read_rows(options.held_back, options) if options.held_back else None,
        metric=read_metric(options.metric),
        max_drop=options.max_drop,
        demanded=tuple(str(one) for one in options.precision or ()),
        requires_faster=options.require_faster,
        tries_all=options.tries_all,
        out=options.out or Path(f"{_name_of(model)}-optimised"),
        n_rounds=options.rounds,
        command=("goldcrest", *sys.argv[1:]),
    )


def _name_of(model: str) -> str:
    """What a model is called: the last part of its folder or id."""
    return (Path(model).resolve() if Path(model).is_dir() else Path(model.partition("@")[0])).name


def read_rows(file: Path, options: Options) -> TextSet:
    """Read a set of texts as the options say.

    Raises:
        DataProblem: it cannot be read.
    """
    from goldcrest.evaluate import read_set

    return read_set(
        file,
        text=options.text,
        second=options.second,
        label=options.label,
        limit=options.limit,
    )


def read_metric(name: str | None) -> MetricName | None:
    """The metric of a name; None for none.

    Raises:
        ConfigError: there is none of that name.
    """
    from goldcrest.evaluate import METRICS

    found = next((metric for metric in METRICS if metric == name), None)
    if name is not None and found is None:
        raise ConfigError(f"--metric {name!r} is not known; there are: {', '.join(METRICS)}")
    return found


def _check_out(out: Path) -> None:
    """Refuse a place before the work rather than after it."""
    from goldcrest.artifact import Draft

    with Draft(out):
        pass
    check_files(*_reports(out))


def _reports(out: Path) -> tuple[Path, Path]:
    return out.with_name(f"{out.name}.html"), out.with_name(f"{out.name}.json")


@contextmanager
def _tools(config: Config) -> Iterator[Tools]:
    """What an optimisation needs of the machine: models are opened with a cache of its own."""
    import msgspec

    from goldcrest.app.library import Model, load
    from goldcrest.app.site import Threads, open_site
    from goldcrest.model.site import notebook_of
    from goldcrest.optimize.watch import Tools

    site = open_site(config, Threads())
    with TemporaryDirectory(prefix="goldcrest-") as folder:
        apart = msgspec.structs.replace(
            config, cache=msgspec.structs.replace(config.cache, folder=folder)
        )

        def open_model(artifact: Path) -> Model:
            return load(str(artifact), apart, precision="auto")

        def remember(artifact: Artifact, candidate: Candidate) -> None:
            notebook_of(artifact, site).choose("auto", str(candidate))

        try:
            yield Tools(
                open_model=open_model,
                open_engine=site.open_engine,
                probe=(sys.executable, "-m", "goldcrest.cli.probe"),
                processor=site.processor,
                n_threads=site.n_threads,
                runtime=site.runtime,
                max_tokens=config.batch.max_grid_tokens,
                objective_s=config.batch.objective_ms / 1e3,
                remember=remember,
            )
        finally:
            site.batcher.close()
            site.aside.shutdown(wait=False)


def _write(report: Report, out: Path) -> None:
    """Print what was found, and write it beside the folder of the artifact."""
    from goldcrest.cli.table import aligned
    from goldcrest.optimize.page import html
    from goldcrest.optimize.result import write
    from goldcrest.optimize.told import HEADS, headline, notes, rows

    typer.echo(aligned([HEADS, *rows(report)]))
    for sentence in (headline(report), *notes(report)):
        typer.echo(f"\n{textwrap.fill(sentence, width=96)}")
    page, plain = _reports(out)
    try:
        page.write_text(html(report), encoding="utf-8")
        write(report, plain)
    except OSError as error:
        raise ConfigError(f"the report {page} cannot be written: {error.strerror}") from error
    typer.echo(f"\nreport: {page}, {plain}")
    if report.artifact:
        typer.echo(f"goldcrest serve {shlex.quote(str(out))}")
