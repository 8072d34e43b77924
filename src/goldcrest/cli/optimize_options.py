"""The options of ``goldcrest optimize``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

ROUNDS = 5


class Demand(StrEnum):
    """Precisions that may be demanded."""

    F32 = "f32"
    BF16 = "bf16"
    F16 = "f16"
    INT8 = "int8"
    INT8_WEIGHTS = "int8-weights"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says; the help is what each is for."""

    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL", help="A checkpoint's folder or Hub id, or an artifact."),
    ]
    data: Annotated[
        Path,
        typer.Option(
            "--data", metavar="FILE", help="JSON lines, CSV or TSV; else a text per line."
        ),
    ]
    cascade: Annotated[
        bool,
        typer.Option(
            "--cascade", help="Fit a cascade of several MODELs, the cheapest first; see its guide."
        ),
    ] = False
    held_back: Annotated[
        Path | None,
        typer.Option(
            "--held-back",
            metavar="FILE",
            help="Rows to judge quality by; else the larger part of --data.",
        ),
    ] = None
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric",
            metavar="NAME",
            help="accuracy, f1, spearman, exact, entity_f1, agreement or cosine; else what fits.",
        ),
    ] = None
    max_drop: Annotated[
        float,
        typer.Option("--max-drop", metavar="POINTS", help="Hundredths that may be lost.", min=0),
    ] = 0.5
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="For the artifact, or of --cascade a TOML file; the report goes beside it.",
            show_default="NAME-optimised",
        ),
    ] = None
    precision: Annotated[
        list[Demand] | None,
        typer.Option(
            "--precision", help="One that must pass, and alone is written; may be repeated."
        ),
    ] = None
    require_faster: Annotated[
        bool, typer.Option("--require-faster", help="Fail where only f32 keeps the quality.")
    ] = False
    tries_all: Annotated[
        bool, typer.Option("--all", help="Try also what is not likely to be the best here.")
    ] = False
    text: Annotated[
        str, typer.Option("--text", metavar="FIELD", help="The field with the text.")
    ] = "text"
    second: Annotated[
        str, typer.Option("--second", metavar="FIELD", help="The one with a pair's second text.")
    ] = "text_pair"
    label: Annotated[
        str, typer.Option("--label", metavar="FIELD", help="The one with the label.")
    ] = "label"
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=1, help="Only the first N rows of each file."),
    ] = None
    rounds: Annotated[
        int, typer.Option("--rounds", metavar="N", min=1, help="Of the measurement of speed.")
    ] = ROUNDS
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads", metavar="N", help="Engine threads; 0 means what the process may use."
        ),
    ] = None
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="A TOML file; or set GOLDCREST_CONFIG."),
    ] = None
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any setting, as in --set web.drain_s=5."),
    ] = None
