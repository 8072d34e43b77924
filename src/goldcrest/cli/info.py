"""``goldcrest info``: what a model is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec
import typer

from goldcrest.cli.table import aligned


def info(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A folder, a built-in name or a Hub id.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """Print what a model is: task, labels, sizes, limits, variants, digest."""
    from goldcrest.app.describe import describe

    facts = describe(model)
    typer.echo(msgspec.json.encode(facts) if as_json else aligned(_rows(facts)))


def _rows(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in facts.items():
        if isinstance(value, Mapping):
            yield from _rows(value, f"{prefix}{key}.")
        elif isinstance(value, (list, tuple)):
            yield prefix + key, ", ".join(map(str, value))
        else:
            yield prefix + key, str(value)
