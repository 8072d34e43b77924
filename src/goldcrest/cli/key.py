"""``goldcrest key``: a new key for a caller."""

from __future__ import annotations

from typing import Annotated

import typer

from goldcrest.config.keys import read_keys
from goldcrest.config.sources import Given
from goldcrest.serving.keys import fresh_key


def key(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who will show it.")],
) -> None:
    """Make a key for a caller, and the lines of the settings that let it in.

    The key is shown this once and kept nowhere: the settings hold its digest alone.
    """
    shown, digest = fresh_key()
    read_keys(Given([{"name": name, "sha256": digest}], "argument NAME"))  # refuses an odd name
    typer.echo(f"The key of {name}, shown this once:\n\n  {shown}\n")
    typer.echo(f'For the settings file:\n\n  [[keys]]\n  name = "{name}"\n  sha256 = "{digest}"\n')
    typer.echo(f"Or in the environment:\n\n  GOLDCREST_KEYS={name}:{digest}")
