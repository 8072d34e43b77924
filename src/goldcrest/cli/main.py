"""The command ``goldcrest``; each of its commands is a module beside this one.

The modules import the engine, the web framework and the like only when their command runs, so that
``--help`` answers at once and ``serve`` can choose the order itself.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from goldcrest.cli import config
from goldcrest.cli.compare import compare
from goldcrest.cli.compile import compile_
from goldcrest.cli.convert import convert
from goldcrest.cli.distill import distill
from goldcrest.cli.distill_options import taking_stage
from goldcrest.cli.evaluate import evaluate
from goldcrest.cli.given import serving
from goldcrest.cli.info import info
from goldcrest.cli.key import key
from goldcrest.cli.lengths import lengths
from goldcrest.cli.load_options import taking_options
from goldcrest.cli.loadtest import loadtest
from goldcrest.cli.optimize import optimize
from goldcrest.cli.optimize_options import Options as OptimizeOptions
from goldcrest.cli.options import taking
from goldcrest.cli.plan import plan
from goldcrest.cli.predict import predict
from goldcrest.cli.serve import serve
from goldcrest.errors import ConfigError, GoldcrestError

app = typer.Typer(
    name="goldcrest",
    help="Lightweight encoder transformers in production.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: it needs nothing imported and is easy to search
    pretty_exceptions_enable=False,
)
app.command("serve")(serving(serve))
app.command()(predict)
app.command()(compare)
app.command("compile")(compile_)
app.command()(convert)
app.command()(evaluate)
app.command()(info)
app.command()(key)
app.command()(lengths)
app.command("optimize")(taking(OptimizeOptions, optimize))
app.command()(plan)
app.command("loadtest")(taking_options(loadtest))
app.command("distill")(taking_stage(distill))
app.add_typer(config.app, name="config")


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"goldcrest {version('goldcrest')}")
        raise typer.Exit


@app.callback()
def _goldcrest(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Lightweight encoder transformers in production."""


def main() -> None:
    """Run a command; an error of ours is one sentence, and the status says whose fault it is."""
    try:
        app()
    except GoldcrestError as error:
        print(f"goldcrest: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, ConfigError) else 1)


if __name__ == "__main__":
    main()
