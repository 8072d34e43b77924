"""``goldcrest optimize --cascade``: fits a cascade of models."""

from __future__ import annotations

import shlex
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from goldcrest.cli.given import settings
from goldcrest.cli.optimize import read_metric, read_rows
from goldcrest.cli.optimize_options import ROUNDS, Options
from goldcrest.cli.place import check_files
from goldcrest.errors import ConfigError, QualityLost

if TYPE_CHECKING:
    from goldcrest.app.library import Model
    from goldcrest.config import Config, ModelConfig
    from goldcrest.optimize.cascade_report import CascadeReport
    from goldcrest.optimize.result import Machine

_FILE = Path("cascade.toml")


def optimize_cascade(options: Options) -> None:
    """Fit a cascade, tell what it comes to, and write the settings that serve it.

    Raises:
        ConfigError: the models do not fit together, an option is for single models, or a file
            cannot be written.
        QualityLost: on rows that it was not fitted on it loses more than it may; no settings are
            written.
        GoldcrestError: a model cannot be opened, or the rows cannot be used.
    """
    _refuse(options)
    given = {"models": list(options.models), "engine.threads": options.threads}
    config = settings(options.config, given, options.assignments or ()).config
    out = options.out or _FILE
    _check_out(out)
    found = _fitted(config, options)
    _tell(found, out)
    confirmed = found.confirmed
    left = ""
    if out.exists():
        left = f"; {out} is of an earlier time, and not what the report beside it tells of"
    if confirmed is not None and not found.is_within:
        raise QualityLost(
            f"the cascade loses {confirmed.drop:.2f} points of {found.metric} on rows that it was "
            f"not fitted on, more than the limit of {found.max_drop:g}; {out} was not written{left}",
            metric=found.metric,
            points=confirmed.drop,
            limit=found.max_drop,
        )
    if confirmed is not None:
        _write(found, out)
    elif left:
        typer.echo(f"{out} was not written{left}")


def _check_out(out: Path) -> None:
    """Refuse a place before the work rather than after it.

    Raises:
        ConfigError: the settings, or the report beside them, cannot be written there.
    """
    if out.suffix in (".html", ".json"):
        raise ConfigError(f"--out {out} is for the settings; the report goes beside them")
    check_files(out, *_reports(out))


def _reports(out: Path) -> tuple[Path, Path]:
    return out.with_suffix(".html"), out.with_suffix(".json")


def _refuse(options: Options) -> None:
    """Refuse what means nothing here, rather than passing over it."""
    others = {
        "--precision": options.precision,
        "--require-faster": options.require_faster,
        "--all": options.tries_all,
        "--rounds": options.rounds != ROUNDS,
    }
    for name, value in others.items():
        if value:
            raise ConfigError(f"{name} is for a single MODEL, not for --cascade; leave it out")


def _fitted(config: Config, options: Options) -> CascadeReport:
    from importlib.metadata import version

    from goldcrest.cli.counting import counting
    from goldcrest.optimize.cascade_asking import Candidate
    from goldcrest.optimize.cascade_fitting import Wish, fit_cascade
    from goldcrest.optimize.cascade_report import Source, report

    data = read_rows(options.data, options)
    held_back = read_rows(options.held_back, options) if options.held_back else None
    wish = Wish(max_drop=options.max_drop, metric=read_metric(options.metric))
    with _opened(config.models, config) as opened, counting("asking", "parts") as progress:
        fitting = fit_cascade(
            [Candidate(name, one, one.problem_type) for name, one in opened.items()],
            data,
            wish,
            held_back=held_back,
            progress=progress,
        )
        sources = [
            Source(_lasting(model.source), one.precision, model.max_length)
            for model, one in zip(config.models, opened.values(), strict=True)
        ]
    return report(
        fitting,
        sources,
        [part.name for part in (data, held_back) if part is not None],
        machine=_machine(config),
        command=("goldcrest", *sys.argv[1:]),
        made_by=f"goldcrest {version('goldcrest')}",
    )


def _machine(config: Config) -> Machine:
    from goldcrest.engine.openvino import RUNTIME
    from goldcrest.engine.processor import processor
    from goldcrest.optimize.result import Machine

    found = processor()
    return Machine(
        processor=found.name,
        features=found.noteworthy,
        threads=config.engine.threads,
        runtime=RUNTIME,
    )


@contextmanager
def _opened(models: Sequence[ModelConfig], config: Config) -> Iterator[dict[str, Model]]:
    """The models by their names, all of them open at once."""
    from goldcrest.app.library import load
    from goldcrest.cli.steps import steps

    opened: dict[str, Model] = {}
    with ExitStack() as stack:
        with steps() as progress:
            for one in models:
                model = load(
                    one.source,
                    config,
                    precision=one.precision or None,
                    max_length=one.max_length,
                    progress=progress,
                )
                opened[one.name] = stack.enter_context(model)
        yield opened


def _lasting(source: str) -> str:
    """The same source, be it read from another folder."""
    return str(Path(source).resolve()) if Path(source).is_dir() else source


def _tell(found: CascadeReport, out: Path) -> None:
    """Print what was found, and write the report beside the settings."""
    import msgspec

    from goldcrest.cli.table import aligned
    from goldcrest.optimize.cascade_page import HEADS, html, rows

    typer.echo(aligned([HEADS, *rows(found)]))
    typer.echo(f"\n{textwrap.fill(found.verdict, width=96)}")
    page, plain = _reports(out)
    _write_text(page, html(found))
    _write_text(plain, msgspec.json.format(msgspec.json.encode(found)).decode())
    typer.echo(f"\nreport: {page}, {plain}")


def _write(found: CascadeReport, out: Path) -> None:
    """Print the settings, and write them."""
    from goldcrest.optimize.cascade_page import settings as settings_of

    text = settings_of(found)
    _write_text(out, text)
    typer.echo(f"\n{text}\ngoldcrest serve --config {shlex.quote(str(out))}")


def _write_text(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}") from error
