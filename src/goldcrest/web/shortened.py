"""How a caller is told that texts were cut."""

from __future__ import annotations

from typing import Any

from goldcrest.tasks import Reply
from goldcrest.web.response import Header

HEADER = b"x-goldcrest-truncated"


def shortened(reply: Reply[Any]) -> tuple[Header, ...]:
    """Name the number of items that lost tokens; no header where all were read whole."""
    n_cut = sum(n > 0 for n in reply.n_dropped)
    return ((HEADER, b"%d" % n_cut),) if n_cut else ()
