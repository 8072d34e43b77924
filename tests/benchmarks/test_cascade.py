"""The benchmark of a cascade: what it reads off answers, and what it tells."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from benchmarks.cascade import label_of
from benchmarks.cascade_results import Contender, Results, Turn, as_json, as_markdown
from benchmarks.machine import this_machine
from benchmarks.measure import Level

from goldcrest.evaluate import Drop, Quality

FITTED = {
    "data": "tickets.csv",
    "max_drop": 0.5,
    "n_fitted": 1000,
    "command": ["goldcrest", "/home/me/tiny"],
    "members": [{"name": "tiny", "source": "/home/me/tiny"}],
    "confirmed": {"cascade": {"thresholds": [0.9]}},
}


def level(throughput: float) -> Level:
    return Level(
        clients=32,
        n_answers=1000,
        n_errors=0,
        first_error=None,
        throughput=throughput,
        p50_ms=2.0,
        p95_ms=3.0,
        p99_ms=4.0,
        cpu_ms=1.0,
        threads_ms={},
        engine_cpu_ms=None,
        engine_busy=None,
        engine_idle_waiting=None,
        client_core=0.1,
        client_cpu_ms=0.1,
        others_cores=0.0,
        stolen_cores=0.0,
    )


@pytest.fixture
def results() -> Results:
    rates = {"cascade": 300.0, "large": 100.0, "small": 900.0}
    found = Quality("accuracy", 0.95, 1000, 0.93, 0.97, outputs=("yes",))
    return Results(
        date="today",
        command="python -m benchmarks.cascade",
        machine=this_machine(),
        fitted=FITTED,
        contenders=tuple(
            Contender(name, name, ("--config", "/home/me/cascade.toml")) for name in rates
        ),
        turns=tuple(
            Turn(name, level(rate), level(rate), ("yes",), 0.25) for name, rate in rates.items()
        ),
        qualities=dict.fromkeys(rates, found),
        drop=Drop(0.4, 0.1, 0.7, 1000),
    )


def test_the_likeliest_label_is_read_off_an_answer() -> None:
    body = {"predictions": [[0.2, 0.5, 0.3]], "labels": ["a", "b", "c"]}

    assert "b" == label_of(json.dumps(body))


def test_the_gain_is_that_over_the_large_model(results: Results) -> None:
    assert 3.0 == results.speedup
    assert "answers 3.00 times the texts per second" in as_markdown(results)


@pytest.mark.parametrize("points", [0.4, 0.6])
def test_it_is_met_within_the_limit_alone(results: Results, points: float) -> None:
    lost = replace(results, drop=replace(results.drop, points=points))

    assert (points <= 0.5) == lost.is_met


def test_what_is_written_does_not_say_where_things_lie(results: Results) -> None:
    assert "/home/me" not in json.dumps(as_json(results)) + as_markdown(results)
