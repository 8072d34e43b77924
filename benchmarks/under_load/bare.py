"""A server that does nothing but say that it is alive: what an answer takes on a machine that is busy.

Called with a port. A prober beside it sees what the machine and the prober themselves cost, whatever
the server under load does.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

from benchmarks.process import POLL_S, BenchmarkError, started
from benchmarks.server import exchange, free_port
from goldcrest.prompt import run_promptly

ROOT = Path(__file__).parents[2]
PATH = "/bare"
LIMIT_S = 20.0
_END = b"\r\n\r\n"
_BODY = b'{"status":"alive"}'
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(_BODY), _BODY)


class _Bare(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for _ in range(data.count(_END)):
            self._transport.write(_ANSWER)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Bare, "127.0.0.1", port)
    run_promptly()  # as the event loop of a server does
    await server.serve_forever()


@contextmanager
def answering(home: Path) -> Iterator[int]:
    """Starts one; its port.

    Raises:
        BenchmarkError: it ended, or did not answer in time.
    """
    port = free_port()
    command = (sys.executable, "-m", "benchmarks.under_load.bare", str(port))
    with started(command, env={}, folder=ROOT, log=home / "logs" / "bare.log") as run:
        begun = time.perf_counter()
        while True:
            with suppress(OSError):
                exchange(port, "GET", PATH)
                break
            if not run.is_running or time.perf_counter() - begun > LIMIT_S:
                raise BenchmarkError(f"the bare server does not answer:\n{run.last_words()}")
            time.sleep(POLL_S)
        yield port


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(int(sys.argv[1])))
