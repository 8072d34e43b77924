"""``goldcrest serve``: models over HTTP."""

from __future__ import annotations

import logging

import typer

from goldcrest.cli.steps import steps
from goldcrest.config import Loaded


def serve(loaded: Loaded) -> None:
    """Serve models over HTTP until SIGTERM or Ctrl-C."""
    _log_to_stderr()
    from goldcrest.app.server import run_server

    with steps() as progress:
        status = run_server(loaded, progress)
    raise typer.Exit(status)


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("goldcrest").setLevel(logging.INFO)
