"""How answers find their way back to those who wait for them."""

from __future__ import annotations

import asyncio

import numpy as np

from goldcrest.batching.ticket import Ticket, deliver


async def test_an_event_loop_sees_to_others_before_a_whole_grid_of_answers_is_told():
    loop = asyncio.get_running_loop()
    futures = [loop.create_future() for _ in range(100)]
    tickets = [Ticket(1, future, loop) for future in futures]
    for ticket in tickets:
        ticket.note(0, np.zeros(2, np.float32))

    deliver(tickets)
    await asyncio.sleep(0)
    n_at_first = sum(future.done() for future in futures)
    await asyncio.gather(*futures)

    assert 0 < n_at_first < 20
