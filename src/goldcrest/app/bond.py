"""What ties a server to the processes that serve beside it, if there are any."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # imported while the models open
    from goldcrest.app.server import House
    from goldcrest.web.server import Ending

_log = logging.getLogger("goldcrest")


class Bond(Protocol):
    """What ties a server to those that serve beside it."""

    @property
    def shares_port(self) -> bool:
        """Whether others listen on the same port."""
        ...

    @property
    def is_succeeded(self) -> bool:
        """Whether another process takes the connections once this one ends."""
        ...

    @property
    def opened(self) -> int | None:
        """When the whole was started, in seconds since 1970; None: just now."""
        ...

    def attached(self, house: House) -> AbstractAsyncContextManager[None]:
        """Tell the others how the house is, and hear what they want, as long as this lasts."""
        ...

    async def may_listen(self) -> bool:
        """Wait until connections may be taken; False if that will never be."""
        ...

    def told(self) -> Awaitable[Ending] | None:
        """Gives how to end, once somebody says so; None: nobody will."""
        ...

    def listening(self, host: str, port: int) -> None:
        """Hear that connections are taken."""
        ...


class Alone:
    """The bond of the only process."""

    shares_port = is_succeeded = False
    opened = None

    def attached(self, house: House) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def may_listen(self) -> bool:
        return True

    def told(self) -> None:
        return None

    def listening(self, host: str, port: int) -> None:
        name = f"[{host}]" if ":" in host else host
        _log.info("listening on http://%s:%d (try /docs)", name, port)
