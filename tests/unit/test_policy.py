"""How long a grid may take."""

from __future__ import annotations

import pytest

from goldcrest.batching.policy import Policy


@pytest.mark.parametrize(
    ("longest_s", "target_s", "is_about", "backlog_s"),
    [
        (None, None, False, 9.0),
        (0.02, None, True, 0.0),
        (0.03, 0.06, False, 0.0),  # one grid to wait for, and its own
        (0.025, 0.06, False, 0.01),
        (None, 0.06, False, 0.03),  # only the rate helps now
        (0.02, 0.06, True, 0.0),
        (0.015, 0.03, True, 0.0),
        (0.02, 0.06, True, 9.0),
    ],
)
def test_a_grid_is_as_long_as_interactive_work_and_the_latency_aimed_at_allow(
    longest_s: float | None, target_s: float | None, *, is_about: bool, backlog_s: float
):
    policy = Policy(target_p99_s=target_s, interactive_s=0.02)

    found = policy.longest_s(is_interactive_about=is_about, backlog_s=backlog_s)

    assert longest_s == (found if found is None else pytest.approx(found))


def test_interactive_work_that_keeps_itself_waiting_gets_the_rate_instead():
    policy = Policy(interactive_s=0.02)

    def longest(backlog_s: float) -> float | None:
        return policy.longest_s(
            is_interactive_about=True, backlog_s=0.0, interactive_backlog_s=backlog_s
        )

    assert [0.02, None] == [longest(0.05), longest(0.07)]
