"""A server that the test starts itself, held to a part of the machine."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from goldcrest.loadtest.constraint import Hold
from goldcrest.loadtest.crew import LoadTestFailed
from goldcrest.loadtest.subject import Constraint
from goldcrest.metrics.scraping import fetcher

_LISTENING = re.compile(r"listening on (https?://\S+)")
_READY_S = 300.0
_LOOK_S = 0.05
_END_S = 40.0
_TAIL = 2000


@dataclass(frozen=True, slots=True)
class Started:
    """A server that the test started.

    Attributes:
        constraint: what it is held to.
        start_s: from the start of its process until it was ready.
    """

    url: str
    constraint: Constraint
    start_s: float


@contextmanager
def server(arguments: Sequence[str], hold: Hold) -> Iterator[Started]:
    """Start ``goldcrest serve`` and yield once it is ready; end it afterwards.

    Args:
        arguments: of the command, models and options.
        hold: how it is held.

    Raises:
        LoadTestFailed: it ended, or was not ready within five minutes.
    """
    command = [sys.executable, "-m", "goldcrest.cli.main", "serve", *arguments, "--port", "0"]
    if hold.constraint.memory_mib:
        command += ["--set", f"memory.limit_mib={hold.constraint.memory_mib}"]
    with tempfile.TemporaryDirectory(prefix="goldcrest-loadtest-") as folder:
        log = Path(folder) / "server.log"
        began = time.monotonic()
        with log.open("wb") as file:
            process = subprocess.Popen(  # noqa: S603  # the program is ours
                command,
                stdout=file,
                stderr=file,
                preexec_fn=hold.enter(),  # noqa: PLW1509  # no thread runs yet
                start_new_session=True,  # Ctrl-C ends the test, and the test the server
            )
        try:
            url = _ready(process, log)
            yield Started(url, hold.constraint, time.monotonic() - began)
        finally:
            _end(process)
            hold.release()


def _ready(process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + _READY_S
    url = ""
    while time.monotonic() < until:
        if process.poll() is not None:
            raise LoadTestFailed(
                f"the server ended with status {process.returncode} before it was ready; it said: "
                f"{_said(log)}"
            )
        found = _LISTENING.search(_said(log))
        url = found[1] if found else url
        if url and fetcher(url, "")("/health/ready") is not None:
            return url
        time.sleep(_LOOK_S)
    raise LoadTestFailed(f"the server was not ready within {_READY_S:.0f} s; it said: {_said(log)}")


def _said(log: Path) -> str:
    return log.read_text(errors="replace")[-_TAIL:].strip()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
