"""``goldcrest lengths``: how long texts are in tokens, and which limit to set."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from goldcrest.cli.counting import counting
from goldcrest.cli.given import Assignments, Precision, Settings, settings
from goldcrest.cli.steps import steps
from goldcrest.errors import ConfigError

if TYPE_CHECKING:
    from goldcrest.config import Loaded
    from goldcrest.evaluate import TextSet
    from goldcrest.lengths.result import LengthsReport, Subject

_WIDTH = 120
"""Characters of a line where the output is no terminal."""

_TOGETHER = 256
"""Texts that are counted at once."""


def lengths(  # noqa: PLR0913  # typer reads the options from the parameters
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="Texts: JSON lines, CSV or TSV; else one per line."),
    ] = None,
    *,
    from_server: Annotated[
        str | None,
        typer.Option("--from-server", metavar="URL", help="Live texts, as a server counted them."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="MODEL",
            help="Whose tokens: a folder, a built-in name or a Hub id; of a server, a name.",
            show_default="sentiment; of a server, all",
        ),
    ] = None,
    keep: Annotated[
        float,
        typer.Option("--keep", metavar="SHARE", help="Of the texts, to stay whole.", min=0, max=1),
    ] = 0.99,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write an HTML report too.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
    text: Annotated[
        str, typer.Option("--text", metavar="FIELD", help="The field with the text.")
    ] = "text",
    second: Annotated[
        str, typer.Option("--second", metavar="FIELD", help="The one with a pair's second text.")
    ] = "text_pair",
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="Only the first N texts.")
    ] = None,
    key_env: Annotated[
        str, typer.Option("--key-env", metavar="NAME", help="The variable that holds a key.")
    ] = "",
    precision: Precision = None,
    config: Settings = None,
    assignments: Assignments = None,
) -> None:
    """Show how long texts are in tokens, what each max_length cuts and costs, and which to set."""
    if (file is None) == (from_server is None):
        raise ConfigError("give a FILE with texts, or --from-server with a URL; not both")
    loaded = settings(config, {"engine.precision": precision}, assignments or ())
    if from_server is not None:
        url = from_server if "://" in from_server else f"http://{from_server}"
        report = _report(url, keep, _of_server(url, model, key_env))
    else:
        from goldcrest.evaluate import read_set

        found = read_set(Path(str(file)), text=text, second=second, limit=limit)
        report = _report(str(file), keep, [_of_texts(found, model, loaded)])
    _tell(report, out, as_json=as_json)


def _of_server(url: str, model: str | None, key_env: str) -> list[Subject]:
    from goldcrest.lengths.server import from_server

    if key_env and not os.environ.get(key_env):
        raise ConfigError(f"--key-env {key_env}: that variable is not set")
    return from_server(url, key=os.environ.get(key_env, "") if key_env else "", model=model)


def _of_texts(data: TextSet, model: str | None, loaded: Loaded) -> Subject:
    from goldcrest.app.counting import open_counting
    from goldcrest.config import DEFAULT_MODEL
    from goldcrest.lengths.distribution import of_lengths
    from goldcrest.lengths.result import Subject

    source = model or DEFAULT_MODEL
    with steps() as progress:
        opened = open_counting(source, loaded.config, progress=progress)
    found: list[int] = []
    with counting("tokens are counted", "texts") as progress:
        for start in range(0, len(data), _TOGETHER):
            part = data.rows[start : start + _TOGETHER]
            found += opened.lengths([row.item for row in part])
            progress(start + len(part), len(data))
    return Subject(
        name=source,
        setting=f"source = {msgspec.json.encode(source).decode()}",
        limit=opened.limit,
        found=of_lengths(found),
        prices=opened.prices,
    )


def _report(source: str, keep: float, subjects: list[Subject]) -> LengthsReport:
    from importlib.metadata import version

    from goldcrest.lengths.result import LengthsReport, weighed

    return LengthsReport(
        source=source,
        keep=keep,
        models=[weighed(subject, keep) for subject in subjects],
        version=version("goldcrest"),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _tell(report: LengthsReport, out: Path | None, *, as_json: bool) -> None:
    if out is not None:
        from goldcrest.lengths.page import html

        try:
            out.write_text(html(report), encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"the report {out} cannot be written: {error.strerror}") from error
    if as_json:
        typer.echo(msgspec.json.encode(report))
        return
    from rich.console import Console

    from goldcrest.lengths.picture import show

    show(report, Console(width=None if sys.stdout.isatty() else _WIDTH))
    if out is not None:
        typer.echo(f"report: {out}")
