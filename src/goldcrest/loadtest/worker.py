"""A process that sends; it is told what by the load test, over its standard input."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import time
from array import array
from dataclasses import dataclass, field

import uvloop

from goldcrest.loadtest.making import Maker
from goldcrest.loadtest.orders import (
    Failed,
    Go,
    Over,
    Prepare,
    Report,
    Seen,
    Setup,
    packed,
    read_order,
)
from goldcrest.loadtest.pool import Pool, resolve
from goldcrest.loadtest.sending import Step
from goldcrest.loadtest.stock import Stock
from goldcrest.prompt import run_promptly

_TELL_S = 0.25


@dataclass
class Sender:
    """What one process holds from step to step."""

    maker: Maker
    pool: Pool
    output: asyncio.StreamWriter
    stock: Stock = field(default_factory=lambda: Stock(iter(())))
    clients: int = 0

    async def tell(self, report: Report) -> None:
        self.output.write(packed(report))
        await self.output.drain()

    async def prepare(self, order: Prepare) -> None:
        """Make the requests of the next step."""
        offsets = array("d")
        offsets.frombytes(order.offsets)
        self.clients = order.clients
        self.stock = Stock(self.maker.prepare(order, offsets))
        self.maker.stock(order.n_ahead)
        gc.collect()  # so that it is not needed in the midst of the step
        await self.tell(self.maker.told())

    async def run(self, order: Go, step: Step) -> None:
        """Run the step that was prepared, telling of it as it goes."""
        self.pool.begin(order.at)
        self.stock.begin(order.at)
        await asyncio.sleep(order.at - time.monotonic())
        telling = asyncio.create_task(self._tell_on())
        try:
            if self.clients:
                await step.closed_loop(self.clients, self.maker.next)
            else:
                await step.open_loop(self.stock)
        finally:
            telling.cancel()
        await self._tell_seen()
        over = Over(n_waited=self.pool.counts.n_waited, cpu_s=step.cpu_s, wall_s=step.wall_s)
        await self.tell(over)

    async def _tell_on(self) -> None:
        while True:
            await asyncio.sleep(_TELL_S)
            await self._tell_seen()

    async def _tell_seen(self) -> None:
        await self.tell(Seen(rows=self.pool.columns.take(), n_asked=self.pool.counts.n_asked))


async def _serve(orders: asyncio.StreamReader, output: asyncio.StreamWriter) -> None:
    sender: Sender | None = None
    running: asyncio.Task[None] | None = None
    step: Step | None = None
    while True:
        order = await read_order(orders)
        if isinstance(order, Setup):
            sender = await _open(order, output)
        elif sender is None:
            continue
        elif isinstance(order, Prepare):
            await sender.prepare(order)
        elif isinstance(order, Go):
            step = Step(sender.pool, ends=order.at + order.seconds, patience_s=order.patience_s)
            running = asyncio.create_task(sender.run(order, step))
            running.add_done_callback(_end_if_broken)
        elif step is not None:
            step.stop()


def _end_if_broken(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        sys.stderr.write(f"goldcrest loadtest: a sending process failed: {error!r}\n")
        sys.stderr.flush()
        os._exit(1)  # whoever reads its reports sees that they end


async def _open(setup: Setup, output: asyncio.StreamWriter) -> Sender | None:
    try:
        address = await resolve(setup.host, setup.port, is_tls=setup.is_tls)
    except OSError as error:
        output.write(packed(Failed(f"there is no host {setup.host!r}: {error.strerror}")))
        return None
    maker = Maker(setup, os.environ.get(setup.key_variable, "") if setup.key_variable else "")
    pool = Pool(
        address,
        maker.protocol,
        most=setup.max_connections,
        timeout_s=setup.timeout_ms / 1000,
    )
    for _ in range(setup.n_first_connections):
        pool.open_one()
    return Sender(maker, pool, output)


async def _main() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2**30)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, sys.stdout
    )
    try:
        await _serve(reader, asyncio.StreamWriter(transport, protocol, None, loop))
    except asyncio.IncompleteReadError:  # the load test is over
        return


def main() -> None:
    """Send what standard input says, until it ends."""
    gc.disable()
    run_promptly()  # latency is the server's, not the wait of this process for a processor
    uvloop.run(_main())


if __name__ == "__main__":
    main()
