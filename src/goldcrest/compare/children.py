"""The processes that contenders are measured in: started one at a time, asked once, and gone."""

from __future__ import annotations

import subprocess
import sys
import time

import msgspec

from goldcrest.compare.probe import Order, Seen
from goldcrest.errors import ProbeFailed

_COMMAND = (sys.executable, "-m", "goldcrest.cli.contender")
_LIMIT_S = 900.0
_TAIL = 600


def run(name: str, order: Order) -> Seen:
    """Start a probe, give it the order, and wait for what it tells.

    Args:
        name: of the contender, for the error.
        order: what it is to do; when it began is filled in here.

    Raises:
        ProbeFailed: it ended without a result, or took longer than a quarter of an hour.
    """
    now = msgspec.structs.replace(order, began_at=time.monotonic())
    try:
        ended = subprocess.run(  # noqa: S603  # the program is ours
            _COMMAND,
            input=msgspec.msgpack.encode(now),
            capture_output=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ProbeFailed(name, f"its process took longer than {_LIMIT_S:.0f} s") from error
    if ended.returncode:
        raise ProbeFailed(name, _said(ended))
    return msgspec.msgpack.decode(ended.stdout, type=Seen)


def _said(ended: subprocess.CompletedProcess[bytes]) -> str:
    """Its last words; a signal says nothing, so its number must do."""
    words = ended.stderr.decode(errors="replace")[-_TAIL:].strip()
    status = f"its process ended with status {ended.returncode}"
    return words if words and ended.returncode > 0 else f"{status}: {words or 'it said nothing'}"
