"""Requests begin a few in each turn of the event loop."""

import asyncio

from goldcrest.web.gate import Gate


async def begun_by_turn(n: int, *, at_once: int, n_turns: int) -> list[list[int]]:
    """What had begun after each turn."""
    begun: list[int] = []
    gate = Gate(asyncio.get_running_loop(), at_once)
    for number in range(n):
        gate.begin(lambda number=number: begun.append(number))  # type: ignore[misc]
    seen = [[*begun]]
    for _ in range(n_turns):
        await asyncio.sleep(0)
        seen.append([*begun])
    return seen


async def test_what_comes_at_once_begins_in_order_over_turns():
    assert [[0, 1], [0, 1, 2, 3], [0, 1, 2, 3, 4]] == await begun_by_turn(5, at_once=2, n_turns=2)


async def test_a_turn_in_which_little_begins_leaves_nothing_to_the_next():
    gate, begun = Gate(asyncio.get_running_loop(), 2), list[str]()

    gate.begin(lambda: begun.append("first"))
    await asyncio.sleep(0)
    gate.begin(lambda: begun.append("second"))
    gate.begin(lambda: begun.append("third"))

    assert ["first", "second", "third"] == begun


async def test_what_comes_later_does_not_overtake():
    gate, begun = Gate(asyncio.get_running_loop(), 1), list[str]()

    gate.begin(lambda: begun.append("first"))
    gate.begin(lambda: begun.append("second"))
    asyncio.get_running_loop().call_soon(gate.begin, lambda: begun.append("third"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert ["first", "second", "third"] == begun
