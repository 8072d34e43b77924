"""What passes between two grids of a class."""

from __future__ import annotations

import pytest

from goldcrest.batching.gaps import Gaps


def run_in_turns(gaps: Gaps, n: int = 400, *, urgent_s: float = 0.002) -> None:
    """Bulk and interactive grids by turns, half a millisecond apart."""
    for _ in range(n):
        gaps.ran("bulk", pause_s=0.0005, run_s=0.01)
        gaps.ran("interactive", pause_s=0.0005, run_s=urgent_s)


def test_more_urgent_grids_come_between_those_that_can_wait():
    gaps = Gaps()

    run_in_turns(gaps)

    assert pytest.approx(0.0005 + 0.0025 / 2) == gaps.seconds("bulk")
    assert pytest.approx(0.0005) == gaps.seconds("interactive")


def test_a_class_that_has_not_run_yet_knows_of_the_pauses():
    gaps = Gaps()

    run_in_turns(gaps)

    assert pytest.approx(0.0005) == gaps.seconds("default")


def test_what_runs_while_nothing_waits_comes_between_no_grids():
    gaps = Gaps()

    for _ in range(400):
        gaps.ran("bulk", pause_s=0.0005, run_s=0.01)
        gaps.emptied()
        gaps.ran("interactive", pause_s=0.0005, run_s=0.002)

    assert pytest.approx(0.0005) == gaps.seconds("bulk")


def test_an_engine_that_others_hold_for_long_makes_no_endless_gaps():
    gaps = Gaps()

    run_in_turns(gaps, urgent_s=1.0)
    gaps.ran("bulk", pause_s=1.0, run_s=0.01)

    assert gaps.seconds("bulk") < 0.0075
