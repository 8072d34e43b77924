"""``goldcrest convert``: pickled weights to safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def convert(
    source: Annotated[
        str, typer.Argument(metavar="IN", help="A folder or a Hub id with pickled weights.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new folder.")],
) -> None:
    """Write a checkpoint anew, its weights as safetensors (needs PyTorch)."""
    from goldcrest.convert import convert as convert_checkpoint

    typer.echo(convert_checkpoint(source, out))
