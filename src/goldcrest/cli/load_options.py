"""The options of ``goldcrest loadtest``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from goldcrest.cli.options import taking


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says; the help is what each is for."""

    url: Annotated[
        str | None, typer.Argument(metavar="URL", help="Of the server; or use --serve.")
    ] = None
    profile: Annotated[
        str,
        typer.Option(
            "--profile",
            metavar="NAME|FILE",
            help="Texts: mixed, intents, questions, customers, comments, tweets, sms, sentences, reviews, passages, documents, or those of a file.",
        ),
    ] = "mixed"
    rate: Annotated[
        float | None, typer.Option("--rate", metavar="R", help="Requests a second.")
    ] = None
    steps: Annotated[
        str | None, typer.Option("--steps", metavar="A,B,C", help="Rates, one after the other.")
    ] = None
    ramp: Annotated[
        bool, typer.Option("--ramp", help="Let the rate rise evenly from each step to the next.")
    ] = False
    spike: Annotated[
        str | None,
        typer.Option("--spike", metavar="5x@5s+2s", help="5 times the rate after 5 s, for 2 s."),
    ] = None
    clients: Annotated[
        str | None,
        typer.Option("--clients", metavar="N,M", help="A closed loop: each waits for its answer."),
    ] = None
    replay: Annotated[
        Path | None,
        typer.Option(
            "--replay",
            metavar="FILE",
            help="Arrivals as recorded: seconds, or JSON with at, and text, tokens or class.",
        ),
    ] = None
    speed: Annotated[
        float, typer.Option("--speed", metavar="X", help="Replay X times as fast.", min=0.001)
    ] = 1.0
    even: Annotated[
        bool, typer.Option("--even", help="Requests at equal distances, not at random.")
    ] = False
    find_max: Annotated[
        bool, typer.Option("--find-max", help="Find the highest rate within --slo.")
    ] = False
    slo: Annotated[
        str | None,
        typer.Option("--slo", metavar="TERMS", help="Objective, as p99<50ms,errors<0.1%."),
    ] = None
    seconds: Annotated[
        float | None,
        typer.Option("--seconds", metavar="S", help="Per step; 10, or 5 in a search.", min=0.2),
    ] = None
    warm_up: Annotated[
        float, typer.Option("--warm-up", metavar="S", help="Before the first step.", min=0)
    ] = 2.0
    max_steps: Annotated[
        int, typer.Option("--max-steps", metavar="N", help="Of a search.", min=1)
    ] = 16
    api: Annotated[
        str,
        typer.Option(
            "--api",
            metavar="NAME",
            help="How to ask: classify, openai, tei-embed, tei-predict, infinity-classify or infinity-embed.",
        ),
    ] = "classify"
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="To ask for; else the default.")
    ] = ""
    mix: Annotated[
        str | None, typer.Option("--mix", metavar="CLASSES", help="As interactive=0.2,bulk=0.8.")
    ] = None
    texts: Annotated[
        int, typer.Option("--texts", metavar="N", help="Texts per request.", min=1, max=10_000)
    ] = 1
    repeat: Annotated[
        float, typer.Option("--repeat", metavar="SHARE", help="Of texts sent before.", min=0, max=1)
    ] = 0.0
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Ask for answers that were not kept.")
    ] = False
    timeout_ms: Annotated[
        float | None,
        typer.Option("--timeout-ms", metavar="MS", help="Give up then; the server is told.", min=1),
    ] = None
    key_env: Annotated[
        str, typer.Option("--key-env", metavar="NAME", help="The variable that holds a key.")
    ] = ""
    processes: Annotated[
        int, typer.Option("--processes", metavar="N", help="That send; 0: enough.", min=0, max=64)
    ] = 0
    max_connections: Annotated[
        int, typer.Option("--max-connections", metavar="N", help="At once.", min=1, max=60_000)
    ] = 4096
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of texts and arrivals.")] = 1
    serve: Annotated[
        str | None,
        typer.Option("--serve", metavar="'MODEL ...'", help="Start a server with these options."),
    ] = None
    limit_cpus: Annotated[
        float, typer.Option("--limit-cpus", metavar="N", help="For --serve.", min=0)
    ] = 0.0
    limit_memory: Annotated[
        str | None, typer.Option("--limit-memory", metavar="512M", help="For --serve.")
    ] = None
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="The report; a .json goes beside it.")
    ] = Path("loadtest.html")
    yes: Annotated[
        bool, typer.Option("--yes", help="The server is elsewhere, and may be loaded.")
    ] = False


def taking_options(act: Callable[[Options], None]) -> Callable[..., None]:
    """Make a command of what is done with the options; its help is the docstring."""
    return taking(Options, act)
