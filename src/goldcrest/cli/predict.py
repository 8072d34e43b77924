"""``goldcrest predict``: a model on texts of the command line or of standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from goldcrest.cli.given import Assignments, MaxLength, Precision, Settings, settings
from goldcrest.cli.steps import steps

if TYPE_CHECKING:
    from goldcrest.app.library import Model

_N_TOGETHER = 256
"""Lines that are read before they are answered; the model packs them together."""


def predict(  # typer reads the options from the parameters
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A folder, a built-in name or a Hub id.")
    ],
    texts: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help="Texts; none, or -, reads lines from input."),
    ] = None,
    precision: Precision = None,
    max_length: MaxLength = None,
    config: Settings = None,
    assignments: Assignments = None,
) -> None:
    """Answer texts, one line of JSON for each, without a server."""
    loaded = settings(config, {"engine.precision": precision}, assignments or ())
    from goldcrest.app.library import load

    with steps() as progress:
        opened = load(
            model,
            loaded.config,
            precision=loaded.config.engine.precision,
            max_length=max_length or 0,
            progress=progress,
        )
    with opened:
        for batch in _batches(texts or ()):
            for answer in _answers(opened, batch):
                typer.echo(msgspec.json.encode(answer))


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    if texts and list(texts) != ["-"]:
        yield list(texts)
        return
    lines = (line.rstrip("\r\n") for line in sys.stdin)
    while batch := list(islice(lines, _N_TOGETHER)):
        yield batch


def _answers(model: Model, texts: Sequence[str]) -> Iterator[Any]:
    if model.task == "embed":
        from goldcrest.web.rows import rows

        yield from map(rows, model.embed(texts))
    else:
        yield from model.classify(texts)
