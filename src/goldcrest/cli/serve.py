"""``goldcrest serve``: models over HTTP."""

from __future__ import annotations

import logging

import typer

from goldcrest.cli.steps import steps
from goldcrest.config import Loaded


def serve(loaded: Loaded) -> None:
    """Serve models over HTTP until SIGTERM or Ctrl-C."""
    log_to_stderr()
    raise typer.Exit(_run_workers(loaded) if loaded.config.workers.count > 1 else _run(loaded))


def _run(loaded: Loaded) -> int:
    from goldcrest.app.server import run_server

    with steps() as progress:
        return run_server(loaded, progress)


def _run_workers(loaded: Loaded) -> int:
    from goldcrest.app.workers.supervisor import supervise

    return supervise(loaded)


def log_to_stderr(who: str = "") -> None:
    """Log what is worth knowing.

    Args:
        who: stands before each message.
    """
    form = f"%(asctime)s %(levelname)s {who}%(message)s"
    logging.basicConfig(level=logging.WARNING, format=form)
    logging.getLogger("goldcrest").setLevel(logging.INFO)
