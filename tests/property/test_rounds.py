"""Turns between lanes, whatever their shares and their grids."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st
from tests import strategies as our

from goldcrest.batching.rounds import Rounds

Turns = tuple[dict[str, float], list[float]]


def opened(shares: dict[str, float]) -> Rounds:
    rounds = Rounds()
    for lane, share in shares.items():
        rounds.open(lane, share)
    return rounds


@given(our.turns())
def test_lanes_that_are_always_busy_use_the_engine_by_their_shares_within_one_grid(turns: Turns):
    shares, grids = turns
    rounds = opened(shares)

    for seconds in grids:
        rounds.charge(rounds.turn(dict.fromkeys(shares, 0.0)), seconds)

    for one, other in combinations(shares, 2):
        apart = rounds.used_s(one) / shares[one] - rounds.used_s(other) / shares[other]
        assert abs(apart) <= max(grids) / min(shares[one], shares[other]) + 1e-9


@given(our.turns(), st.floats(0.0, 1e6))
def test_a_lane_that_wakes_is_due_no_more_than_the_busy_ones(turns: Turns, used_s: float):
    shares, grids = turns
    rounds = opened({**shares, "idle": 1.0})
    busy = dict.fromkeys(shares, 0.0)
    rounds.charge(next(iter(shares)), used_s)
    for seconds in grids:
        rounds.charge(rounds.turn(busy), seconds)

    rounds.wake("idle")

    assert rounds.due("idle") <= min(rounds.due(lane) for lane in shares)


@given(our.turns())
def test_a_lane_that_was_idle_does_not_take_more_than_its_share_afterwards(turns: Turns):
    shares, grids = turns
    rounds = opened({**shares, "idle": 1.0})
    for seconds in grids * 3:
        rounds.charge(rounds.turn(dict.fromkeys(shares, 0.0)), seconds)
    rounds.wake("idle")
    before = {lane: rounds.used_s(lane) for lane in shares}

    for seconds in grids:
        rounds.charge(rounds.turn(dict.fromkeys([*shares, "idle"], 0.0)), seconds)

    for lane, share in shares.items():
        used_s = (rounds.used_s(lane) - before[lane]) / share
        assert rounds.used_s("idle") <= used_s + 2 * max(grids) / min(1.0, share) + 1e-9


@given(st.floats(0.0, 100.0), our.seconds)
def test_a_head_start_lasts_for_that_much_more_of_the_engine(head_start_s: float, grid_s: float):
    rounds = opened({"hasty": 1.0, "patient": 1.0})
    rounds.charge("hasty", 1000 * grid_s)
    rounds.charge("patient", 1000 * grid_s)
    wanting = {"hasty": head_start_s, "patient": 0.0}

    n_turns = 0
    while n_turns < 500 and "hasty" == rounds.turn(wanting):
        rounds.charge("hasty", grid_s)
        n_turns += 1

    assert n_turns == 500 or abs(n_turns * grid_s - head_start_s) <= grid_s * (1 + 1e-6)
