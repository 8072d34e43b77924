"""A day's load, and the autoscaler that follows it."""

from __future__ import annotations

import msgspec
import pytest

from goldcrest.errors import ConfigError
from goldcrest.loadtest.autoscaling import Fleet, Scaler, Scaling
from goldcrest.loadtest.capacity import Point
from goldcrest.loadtest.day import Bearing, Replayed, read_day, replay, steepest, usual_day

SCALING = Scaling(busy=0.6, waiting_tokens=500, least=2, most=40, start_s=20)


def point(rate: float, p99_ms: float) -> Point:
    return Point(
        rate=rate,
        p50_ms=5,
        p95_ms=p99_ms / 2,
        p99_ms=p99_ms,
        busy_share=rate / 110,
        loop_share=0.1,
        waiting_tokens=rate,
        refused_share=0,
    )


BEARING = Bearing(
    curve=(point(10, 10), point(80, 20), point(100, 60)), most=100, limit=200, tokens=30
)


def replayed(rates: list[float], scaling: Scaling = SCALING, step_s: float = 300.0) -> Replayed:
    return replay(rates, step_s=step_s, bearing=BEARING, scaling=scaling, limit_ms=50)


def test_usual_day_is_highest_in_the_afternoon_and_lowest_at_night():
    day = usual_day(900, swing=3, step_s=3600)

    assert 24 == len(day)
    assert {3, 4} & {day.index(min(day))}
    assert {15, 16} & {day.index(max(day))}
    assert (300, 900) == pytest.approx((min(day), max(day)), rel=0.02)


def test_fleet_follows_a_usual_day_within_the_objective():
    seen = replayed(usual_day(1000))

    assert 0 == seen.refused_share
    assert 1 == pytest.approx(seen.within_share)
    assert 24 * seen.most_replicas > seen.replica_hours > 24 * 667 / 100


def test_load_that_jumps_waits_and_is_refused_until_replicas_have_started():
    seen = replayed([100.0] * 6 + [1500.0] * 6)

    assert seen.refused_share > 0
    assert seen.worst_p99_ms > 1000
    assert seen.moments[-40].replicas * 100 > 1400


def test_slower_starts_refuse_more():
    jump = [100.0] * 6 + [1500.0] * 6
    slow = msgspec.structs.replace(SCALING, start_s=120)

    assert replayed(jump).refused_share < replayed(jump, slow).refused_share


def test_replicas_go_only_after_the_calm():
    scaler, fleet = Scaler(SCALING), Fleet(ready=10)
    busy = {"busy": 0.1, "waiting_tokens": 10.0}

    wanted = [scaler.wanted(at, fleet, **busy) for at in (0, 15)]
    scaler.wanted(20, fleet, busy=0.6, waiting_tokens=10)
    late = scaler.wanted(20 + SCALING.calm_s + 400, fleet, **busy)

    assert [2, 2] == wanted  # nothing higher was wished for before
    assert late < 10


def test_small_misses_of_an_aim_change_nothing():
    scaler = Scaler(SCALING)

    assert 10 == scaler.wanted(0, Fleet(ready=10), busy=0.64, waiting_tokens=10)


def test_steepest_rise_is_told_for_the_time_in_question():
    assert 1.5 == steepest([100, 200, 50], step_s=600, within_s=300)


@pytest.mark.parametrize("text", ["", "5\n", "00:00,12\nnoon\n", "1\n-2\n", "0\n0\n"])
def test_day_that_is_no_list_of_rates_is_refused(tmp_path, text):
    file = tmp_path / "day.csv"
    file.write_text(text)

    with pytest.raises(ConfigError, match=r"day\.csv"):
        read_day(file)


def test_day_may_say_the_time_before_the_rate(tmp_path):
    file = tmp_path / "day.csv"
    file.write_text("# requests a second\n00:00,12\n01:00, 9.5\n")

    assert [12, 9.5] == read_day(file)
