"""The circuit breaker: when it opens, for how long, and what closes it."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldcrest.breaker import Breaker, BreakerOpen, Guard, Permit, Tolerance
from goldcrest.testing import ManualClock

FIVE = Tolerance(in_a_row=5, rest_s=1.0, longest_s=6.0, jitter=0.2, trial_s=30.0)


def breaker(tolerance: Tolerance = FIVE, *, chance: float = 0.5) -> Breaker:
    return Breaker(tolerance, chance=lambda: chance)


def call(one: Breaker, now: float, *, failed: bool | None) -> None:
    permit = one.admit(now)
    assert permit is not None
    one.settle(permit, now=now, failed=failed)


def opened(*, chance: float = 0.5) -> Breaker:
    """One that opened at 0 s, for 1 s."""
    one = breaker(chance=chance)
    for _ in range(5):
        call(one, 0.0, failed=True)
    return one


def test_failures_in_a_row_open_it():
    one = breaker()
    for _ in range(4):
        call(one, 0.0, failed=True)

    assert "closed" == one.state(0.0)
    call(one, 0.0, failed=True)
    assert "open" == one.state(0.0)


def test_a_success_ends_a_row_of_failures():
    one = breaker()
    for failed in (True, True, True, True, False, True, True, True, True):
        call(one, 0.0, failed=failed)

    assert "closed" == one.state(0.0)


def test_a_share_of_failures_opens_it_without_a_row_of_them():
    one = breaker()
    for index in range(20):
        call(one, index * 0.1, failed=index % 2 == 1)

    assert "open" == one.state(2.0)


def test_calls_of_long_ago_count_towards_no_share():
    one = breaker()
    for index in range(40):
        call(one, index * 1.0, failed=index % 2 == 1)  # ten of them within the window

    assert "closed" == one.state(40.0)


def test_while_it_is_open_no_call_is_let_through():
    one = opened()

    assert one.admit(0.99) is None


def test_after_its_rest_one_call_is_let_through_on_trial_and_no_other():
    one = opened()

    assert one.admit(1.0) is not None
    assert one.admit(1.0) is None


def test_a_trial_that_succeeds_closes_it():
    one = opened()
    call(one, 1.0, failed=False)

    assert "closed" == one.state(1.0)


def test_each_trial_that_fails_doubles_its_rest_up_to_the_longest():
    one, now, rests = opened(), 0.0, []
    for _ in range(5):
        rests.append(one.rest_s(now))
        now += one.rest_s(now)
        call(one, now, failed=True)

    assert [1.0, 2.0, 4.0, 6.0, 6.0] == rests


def test_a_success_makes_the_next_rest_short_again():
    one = opened()
    call(one, 1.0, failed=True)
    call(one, 3.0, failed=False)
    for _ in range(5):
        call(one, 3.0, failed=True)

    assert 1.0 == one.rest_s(3.0)


@pytest.mark.parametrize(("chance", "rest_s"), [(0.0, 0.8), (1.0, 1.2)])
def test_chance_spreads_the_rest(chance, rest_s):
    assert pytest.approx(rest_s) == opened(chance=chance).rest_s(0.0)


def test_a_trial_that_was_given_up_leaves_room_for_another():
    one = opened()
    call(one, 1.0, failed=None)

    assert one.admit(1.0) is not None


def test_a_trial_of_which_nothing_is_heard_leaves_room_for_another_in_the_end():
    one = opened()
    one.admit(1.0)

    assert one.admit(30.9) is None
    assert one.admit(31.0) is not None


def test_a_call_that_began_before_it_opened_cannot_close_it():
    one = breaker()
    early = one.admit(0.0)
    assert early is not None
    for _ in range(5):
        call(one, 0.0, failed=True)
    one.settle(early, now=0.5, failed=False)

    assert "open" == one.state(0.5)


@given(
    st.lists(
        st.tuples(st.floats(0, 5), st.booleans(), st.sampled_from([True, False, None])),
        max_size=60,
    )
)
def test_whatever_happens_it_opens_only_after_failures_and_never_for_ever(steps):
    one, now = breaker(chance=1.0), 0.0
    held: list[Permit] = []
    for wait_s, is_settled, failed in steps:
        now += wait_s
        permit = one.admit(now)
        if permit is not None:
            held.append(permit)
        if held and is_settled:
            one.settle(held.pop(0), now=now, failed=failed)

        assert one.n_failures >= 5 or one.state(now) == "closed"
        assert one.rest_s(now) <= 6.0 * 1.2
    assert one.admit(now + 6.0 * 1.2 + 30.0) is not None


@pytest.fixture
def changes() -> list[bool]:
    return []


@pytest.fixture
def guard(changes) -> Guard:
    """Opens after two failures, for a second."""
    return Guard(
        "thing",
        tolerance=Tolerance(in_a_row=2, rest_s=1.0, jitter=0.0),
        clock=ManualClock(),
        changed=lambda error: changes.append(error is not None),
    )


def fail(guard: Guard, error: BaseException) -> None:
    with pytest.raises(type(error)), guard.attempt():
        raise error


def test_an_open_guard_does_not_run_what_it_guards(guard):
    fail(guard, OSError("no"))
    fail(guard, TimeoutError("no"))

    sentence = r"thing failed too often; it is asked again in 1\.0 s"
    with pytest.raises(BreakerOpen, match=sentence), guard.attempt():
        pytest.fail("it ran")


def test_an_exception_that_is_an_answer_is_no_failure(guard):
    for _ in range(4):
        fail(guard, KeyError("an answer"))

    assert not guard.is_open


async def test_a_guard_stands_around_what_is_awaited_too(guard):
    async def slow() -> None:
        with guard.attempt():
            async with asyncio.timeout(0):
                await asyncio.Event().wait()

    for _ in range(2):
        with pytest.raises(TimeoutError):
            await slow()

    assert guard.is_open


async def test_a_trial_that_is_cancelled_says_nothing(guard):
    fail(guard, OSError("no"))
    fail(guard, OSError("no"))
    guard._clock.advance(1.0)
    fail(guard, asyncio.CancelledError())

    assert guard.admit() is not None


def test_changes_are_told_once_and_not_again_for_trials_that_fail(guard, changes):
    for _ in range(2):
        fail(guard, OSError("no"))
    guard._clock.advance(1.0)
    fail(guard, OSError("no"))
    guard._clock.advance(2.0)
    with guard.attempt():
        pass

    assert [True, False] == changes


def test_a_guard_tells_the_metrics_of_itself(guard):
    fail(guard, OSError("no"))
    fail(guard, OSError("no"))

    assert [("breaker_open", ("thing",), 1.0), ("breaker_failures", ("thing",), 2.0)] == [
        *guard.samples()
    ]
