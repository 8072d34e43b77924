"""How fast a lane really is."""

from __future__ import annotations

from goldcrest.batching.pace import Pace


def test_a_machine_that_is_slower_throughout_is_corrected_for():
    pace = Pace()

    for _ in range(20):
        pace.ran(0.020, 0.010)

    assert 2.0 == pace.correction


def test_a_single_interrupted_run_hardly_makes_a_shape_look_dear():
    assert 0.010 < Pace().ran(0.100, 0.010) < 0.0112
