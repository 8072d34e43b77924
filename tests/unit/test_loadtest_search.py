"""What the search for the highest rate tries next."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from goldcrest.loadtest.search import Next, Tried, found, next_step


def run(excess: Callable[[float, int], float], *, first: float, most: int = 30) -> list[Tried]:
    tried: list[Tried] = []
    while chosen := next_step(tried, first=first, steps_left=most - len(tried)):
        tried.append(Tried(chosen.rate, excess(chosen.rate, len(tried))))
    return tried


@pytest.mark.parametrize("first", [1.5, 40.0, 180.0, 5000.0])
def test_a_sharp_limit_is_found_to_within_five_percent(first: float) -> None:
    tried = run(lambda rate, _: 0.5 if rate <= 200 else 9.0, first=first)

    assert 200 / 1.06 <= found(tried).rate <= 200
    assert found(tried).n_confirmed == 3
    assert found(tried).sureness == 0.8


def test_a_step_that_breaks_narrowly_is_tried_again() -> None:
    assert Next(100.0, "search") == next_step([Tried(100.0, 1.2)], first=100.0, steps_left=9)


def test_a_step_that_breaks_clearly_is_not() -> None:
    chosen = next_step([Tried(100.0, 8.0)], first=100.0, steps_left=9)

    assert chosen is not None
    assert chosen.rate < 100


def test_one_narrow_miss_of_the_machine_does_not_lower_the_answer() -> None:
    misses = {2}
    tried = run(lambda rate, n: 1.3 if n in misses else (0.5 if rate <= 200 else 9.0), first=100.0)

    assert found(tried).rate >= 200 / 1.06


def test_a_rate_that_does_not_hold_again_gives_way_to_a_lower_one() -> None:
    """It held by luck once; the confirming steps tell."""
    lucky = [0.9]

    def excess(rate: float, _: int) -> float:
        if rate > 150:
            return lucky.pop() if lucky and rate < 200 else 5.0
        return 0.5

    assert found(run(excess, first=160.0)).rate <= 150


def test_where_nothing_breaks_the_note_says_that_the_limit_is_higher() -> None:
    answer = found(run(lambda *_: 0.1, first=100.0, most=5))

    assert answer.broke_at is None
    assert "higher" in answer.note


def test_where_nothing_holds_the_rate_is_nought() -> None:
    assert found(run(lambda *_: 9.0, first=100.0)).rate == 0


def test_a_client_that_is_the_limit_is_named_as_the_limit() -> None:
    tried = [
        Tried(100.0, 0.5),
        Tried(200.0, 9.0, is_limited=True),
        Tried(200.0, 9.0, is_limited=True),
    ]

    assert "the client was the limit" in found(tried).note


def test_what_held_although_the_client_was_late_did_hold() -> None:
    assert Tried(100.0, 0.9, is_limited=True).held


def test_the_search_goes_on_a_little_below_a_rate_that_was_not_confirmed() -> None:
    high = [Tried(rate, 9.0) for rate in (500.0, 300.0, 220.0, 210.0)]
    tried = [*high, Tried(200.0, 0.9), Tried(200.0, 4.0)]

    chosen = next_step(tried, first=500.0, steps_left=9)

    assert chosen is not None
    assert 100 < chosen.rate < 200


def test_a_rate_that_held_too_rarely_is_named_rather_than_said_to_have_failed() -> None:
    seen = found([Tried(300.0, 0.5), Tried(300.0, 1.2)])

    assert 0.0 == seen.rate
    assert "300 requests/s held 1 of 2 times" in seen.note
