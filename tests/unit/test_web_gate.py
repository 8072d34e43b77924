"""Requests begin a few in each turn of the event loop."""

import asyncio

from goldcrest.testing import ManualClock
from goldcrest.web.gate import BUSY_S, MOMENT_S, Gate


class Begun:
    """A gate, and what came of what it was given."""

    def __init__(self, at_once: int) -> None:
        self.clock = ManualClock()
        self.started: list[str] = []
        self.turned_away: list[str] = []
        self._gate = Gate(asyncio.get_running_loop(), at_once, clock=self.clock)

    def come(self, *names: str) -> None:
        for name in names:
            self._gate.begin(
                lambda name=name: self.started.append(name),  # type: ignore[misc]
                lambda name=name: self.turned_away.append(name),  # type: ignore[misc]
            )


async def test_what_comes_at_once_begins_in_order_over_turns():
    begun, seen = Begun(at_once=2), []

    begun.come(*"abcde")
    for _ in range(3):
        seen.append("".join(begun.started))
        await asyncio.sleep(0)

    assert ["ab", "abcd", "abcde"] == seen


async def test_a_turn_in_which_little_begins_leaves_nothing_to_the_next():
    begun = Begun(at_once=2)

    begun.come("a")
    await asyncio.sleep(0)
    begun.come("b", "c")

    assert ["a", "b", "c"] == begun.started


async def test_what_comes_later_does_not_overtake():
    begun = Begun(at_once=1)

    begun.come("a", "b")
    asyncio.get_running_loop().call_soon(begun.come, "c")
    for _ in range(3):
        await asyncio.sleep(0)

    assert ["a", "b", "c"] == begun.started


async def test_a_burst_may_wait():
    begun = Begun(at_once=1)

    begun.come("a", "b")
    begun.clock.advance(BUSY_S)
    await asyncio.sleep(0)

    assert (["a", "b"], []) == (begun.started, begun.turned_away)


async def test_at_a_gate_that_is_never_free_nobody_waits_for_long():
    begun, n_turns = Begun(at_once=1), int(BUSY_S / MOMENT_S)

    for turn in range(2 * n_turns):
        begun.come(f"{turn}a", f"{turn}b")
        begun.clock.advance(MOMENT_S)
        await asyncio.sleep(0)
        if turn == n_turns - 1:
            assert [] == begun.turned_away

    assert n_turns <= len(begun.turned_away)
    assert 2 * n_turns == len(begun.started) + len(begun.turned_away) - 1


async def test_a_gate_that_was_free_meanwhile_turns_nobody_away():
    begun = Begun(at_once=1)

    begun.come("a", "b")
    await asyncio.sleep(0)
    begun.clock.advance(BUSY_S)
    begun.come("c")
    begun.clock.advance(MOMENT_S + 0.001)
    await asyncio.sleep(0)

    assert (["a", "b", "c"], []) == (begun.started, begun.turned_away)


async def test_a_turn_in_which_the_process_stood_still_turns_nobody_away():
    begun = Begun(at_once=1)

    begun.come(*"abc")
    begun.clock.advance(10 * BUSY_S)
    for _ in range(3):
        await asyncio.sleep(0)

    assert (["a", "b", "c"], []) == (begun.started, begun.turned_away)
