"""``goldcrest config``: the settings in force."""

from __future__ import annotations

import typer

from goldcrest.cli.given import serving
from goldcrest.cli.table import aligned
from goldcrest.config import Loaded

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _config() -> None:
    """Look at the settings."""


def show(loaded: Loaded) -> None:
    """Print every setting, its value and where the value came from."""
    typer.echo(aligned((key, _shown(value), origin) for key, value, origin in loaded.rows()))


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) or '""'


app.command("show")(serving(show))
