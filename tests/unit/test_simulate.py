"""The simulator against what must be true of any queue, and what is known of simple ones."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldcrest.batching.policy import Policy
from goldcrest.loadtest.arrivals import level, poisson
from goldcrest.loadtest.fitting import Observed, fitted, ratios
from goldcrest.loadtest.load import Load, Mix
from goldcrest.loadtest.measured import Measured
from goldcrest.loadtest.replica import WAITING, Replica
from goldcrest.loadtest.simulate import simulate

BARE = Measured(costs={"1x16": 0.01}, grid_s=0.0, job_s=0.0)
"""One grid that holds one text of 16 tokens and takes 10 ms; nothing else takes any time."""

LADDER = {"1x16": 0.002, "1x32": 0.003, "1x64": 0.005, "4x64": 0.013, "8x64": 0.023}
SERVER = Measured(
    costs=LADDER, request_s=100e-6, answer_s=60e-6, cores=2, threads=2, outside_s=0.0005
)
MIX = Mix(lengths=(8, 12, 20, 24, 40, 64))


def arrivals(rate: float, n: int, seed: int = 1):
    return poisson(level(rate, n / rate), np.random.default_rng(seed))


def test_mean_wait_is_that_of_a_single_server_with_constant_service():
    busy = 0.5
    load = Mix(lengths=(16,)).load(arrivals(busy / 0.01, 20_000), seed=1)

    seen = simulate(BARE, load)

    wait_s = float(seen.latencies_s.mean()) - 0.01
    assert busy * 0.01 / (2 * (1 - busy)) == pytest.approx(wait_s, rel=0.05)
    assert busy == pytest.approx(seen.busy_share, rel=0.03)


def test_same_seed_gives_the_same_outcome():
    load = MIX.load(arrivals(300, 1000), seed=3)
    measured = msgspec.structs.replace(SERVER, fresh=(0.9, 1.0, 1.4), steady=(0.8, 1.2))

    once, again = (simulate(measured, load, n_replicas=2, seed=5) for _ in range(2))

    assert once.latencies_s.tolist() == again.latencies_s.tolist()


def test_more_replicas_are_never_slower():
    load = MIX.load(arrivals(500, 2000), seed=3)

    means = [simulate(SERVER, load, n_replicas=n).latencies_s.mean() for n in (1, 2, 4, 8)]

    assert sorted(means, reverse=True) == means


def test_other_work_on_the_same_processors_makes_runs_longer():
    load = MIX.load(arrivals(300, 1000), seed=3)
    busy = msgspec.structs.replace(SERVER, request_s=1e-3)

    assert simulate(SERVER, load).engine_s < simulate(busy, load).engine_s


def test_processors_to_spare_leave_runs_alone():
    load = MIX.load(arrivals(100, 500), seed=3)
    roomy = msgspec.structs.replace(SERVER, request_s=1e-3, cores=8)
    alone = msgspec.structs.replace(SERVER, request_s=0.0, cores=8)

    expected = simulate(alone, load).engine_s / simulate(alone, load).n_grids

    assert expected == pytest.approx(
        simulate(roomy, load).engine_s / simulate(roomy, load).n_grids, rel=0.05
    )


def test_overload_is_refused_by_the_queues_own_bounds():
    load = MIX.load(arrivals(2000, 4000), seed=3)

    seen = simulate(SERVER, load, policy=Policy(limit_tokens=2000))

    assert seen.refused > 1000
    assert seen.sent == seen.answered + seen.refused + seen.expired


def test_kept_answers_need_no_engine():
    load = Mix(lengths=(20,), kept=1.0).load(arrivals(100, 200), seed=1)

    seen = simulate(SERVER, load)

    assert (200, 0) == pytest.approx((seen.answered, seen.n_grids), abs=40)
    assert 0.0 == seen.engine_s


def test_latency_counts_everything_on_a_requests_way():
    alone = Load(np.array([0.0]), [(16,)], ["default"], [None])
    measured = msgspec.structs.replace(SERVER, wake_s=0.0, client_s=40e-6)

    seen = simulate(measured, alone)

    steps = (0.0005, 40e-6, 160e-6, 0.002, measured.grid_s, measured.job_s)
    assert sum(steps) == pytest.approx(float(seen.latencies_s[0]))


REQUEST = st.tuples(
    st.floats(0, 0.01),
    st.lists(st.integers(1, 64), min_size=1, max_size=5),
    st.sampled_from(["interactive", "default", "bulk"]),
    st.none() | st.floats(0.001, 0.05),
)


@settings(max_examples=60, deadline=None)
@given(requests=st.lists(REQUEST, min_size=1, max_size=40), limit=st.sampled_from([600, 65_536]))
def test_every_request_ends_once_and_after_it_came(requests, limit):
    gaps, texts, classes, deadlines = zip(*requests, strict=True)
    load = Load(np.cumsum(gaps), [tuple(t) for t in texts], classes, deadlines)
    replica = Replica(SERVER, Policy(limit_tokens=limit), load, seed=1)

    replica.run()

    assert not (replica.became == WAITING).any()
    assert (replica.ended > load.times).all()


def test_fit_finds_what_a_server_takes():
    true = msgspec.structs.replace(SERVER, fresh=(1.5,), steady=(1.2,))
    observed = []
    for rate in (60, 350):
        load = MIX.load(arrivals(rate, 2000, seed=9), seed=9)
        seen = simulate(true, load)
        observed.append(
            Observed(
                rate=rate,
                n_requests=seen.sent,
                engine_s=seen.engine_s,
                loop_s=seen.loop_s,
                p50_s=seen.quantile_s(0.5),
                fresh=(seen.fresh.ratios / seen.fresh.n,) * 50,
                steady=(seen.steady.ratios / seen.steady.n,) * 50,
            )
        )

    found = fitted(Measured(costs=LADDER, cores=2, threads=2), MIX, observed)

    load = MIX.load(arrivals(200, 2000, seed=4), seed=4)
    real, foreseen = simulate(true, load), simulate(found, load)
    assert real.quantile_s(0.5) == pytest.approx(foreseen.quantile_s(0.5), rel=0.1)
    assert real.quantile_s(0.95) == pytest.approx(foreseen.quantile_s(0.95), rel=0.15)


def test_runs_are_told_apart_by_the_pause_before_them():
    runs = [("1x16", 0.0, 0.004), ("1x16", 0.0041, 0.003), ("1x16", 1.0, 0.005), ("9x9", 2.0, 1.0)]

    assert ((2.0, 2.5), (1.5,)) == ratios(runs, {"1x16": 0.002})
