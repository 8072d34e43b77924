"""``goldcrest compile``: a checkpoint to the artifact that is served."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from goldcrest.cli.steps import steps
from goldcrest.names import Readable


class Variant(StrEnum):
    """What can be made of a checkpoint."""

    F32 = "f32"
    INT8 = "int8"
    INT8_WEIGHTS = "int8-weights"


class Purpose(StrEnum):
    """What a checkpoint can be compiled for."""

    CLASSIFY = "classify"
    EMBED = "embed"
    TOKENS = "tokens"
    SPAN = "span"
    FILL = "fill"


_NAMES: Mapping[Variant, Literal["f32", "int8", "int8-weights"]] = {
    Variant.F32: "f32",
    Variant.INT8: "int8",
    Variant.INT8_WEIGHTS: "int8-weights",
}


_PURPOSES: Mapping[Purpose, Readable] = {
    Purpose.CLASSIFY: "classify",
    Purpose.EMBED: "embed",
    Purpose.TOKENS: "tokens",
    Purpose.SPAN: "span",
    Purpose.FILL: "fill",
}


def compile_(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A checkpoint's folder or a Hub id.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where it goes.")],
    precision: Annotated[
        list[Variant] | None,
        typer.Option("--precision", help="A variant to make; may be repeated.", show_default="f32"),
    ] = None,
    task: Annotated[
        Purpose | None,
        typer.Option(
            "--task", help="What it is for.", show_default="what the checkpoint was trained for"
        ),
    ] = None,
    calibrate: Annotated[
        Path | None,
        typer.Option(
            "--calibrate", metavar="FILE", help="One text of the task per line, for int8."
        ),
    ] = None,
) -> None:
    """Compile a checkpoint into an artifact."""
    from goldcrest.app.source import compile_model

    variants = [_NAMES[variant] for variant in precision or (Variant.F32,)]

    with steps() as progress:
        artifact = compile_model(
            model,
            out,
            variants,
            task=None if task is None else _PURPOSES[task],
            calibrate=calibrate,
            progress=progress,
        )
    typer.echo(artifact.folder)
