"""A report of a load test that nobody ran, with something of everything in it."""

from __future__ import annotations

import numpy as np

from goldcrest.loadtest.objective import is_within, read_slo
from goldcrest.loadtest.result import (
    ClassResult,
    Found,
    Lag,
    LoadReport,
    ProfileSummary,
    ServerStep,
    Step,
)
from goldcrest.loadtest.statistics import histogram, quantiles
from goldcrest.loadtest.subject import Client, Constraint, LaneCost, Machine, Server, Target

MACHINE = Machine(processor="Some <Processor>", features=("avx2",), cores=2)
SLO = read_slo("p99<50ms")


def step_of(*, rate: float, latency_ms: float = 10.0, problem: str = "") -> Step:
    """A step of 2 s at a rate, with latencies about that of the argument."""
    n = int(rate * 2)
    values = latency_ms * np.random.default_rng(int(rate)).gamma(4.0, 0.25, n)
    one = ClassResult(
        sent=n,
        answered=n,
        refused=0,
        errors=0,
        latency=quantiles(values),
        histogram=histogram(values),
    )
    step = Step(
        kind="step",
        mode="poisson",
        asked_rate=rate,
        seconds=2.0,
        sent=n + 3,
        answered=n,
        refused=1,
        errors={"timeout": 2},
        rate=rate,
        goodput=0.99,
        latency=quantiles(values),
        histogram=histogram(values),
        refusal_ms=quantiles(np.array([0.5])),
        by_class={"interactive": one},
        lag=Lag(p50_ms=0.05, p99_ms=0.5, max_ms=1.0, cpu_share=0.2, n_waited=0),
        problem=problem,
        server=ServerStep(
            busy_s=1.0,
            busy_share=0.5,
            engine_cpu_s=2.0,
            cpu_s=2.2,
            n_requests=n,
            n_batches=n,
            n_tokens=900,
            n_slots=1000,
            resident_bytes=2**28,
        ),
        timeline=((0.0, n // 2, 20.0, 1), (1.0, n // 2, 21.0, 2)),
    )
    return step if problem else _judged(step)


def _judged(step: Step) -> Step:
    import msgspec

    return msgspec.structs.replace(step, is_within=is_within(step, SLO))


def load_report() -> LoadReport:
    """Three rates, of which the last is too much, and one that the client could not send."""
    lengths = histogram(np.array([10.0, 20.0, 30.0]))
    return LoadReport(
        target=Target(url="http://127.0.0.1:8000", protocol="classify", route="/classify"),
        client=Client(machine=MACHINE, n_processes=1, max_connections=4096, version="0"),
        server=Server(
            name="goldcrest",
            version="0",
            machine=MACHINE,
            settings={"sentiment.precision": "int8"},
            resident_bytes=2**28,
            lanes=(LaneCost(lane="s#1", model="s", seconds_per_token=1e-4, costs={"1x16": 2e-3}),),
            engine_cpu_share=2.0,
            outside_cpu_s_per_request=2e-4,
            tokens_per_request=20.0,
            grid_fill=0.9,
            constraint=Constraint(
                cpus=1.0, memory_mib=512, means=("affinity",), caveats=("So so.",)
            ),
        ),
        profile=ProfileSummary(
            name="mixed",
            classes={"interactive": 1.0},
            mean_tokens=20.0,
            tokens=lengths,
            characters=lengths,
        ),
        steps=(
            step_of(rate=100.0),
            step_of(rate=200.0, latency_ms=15.0),
            step_of(rate=400.0, latency_ms=200.0),
            step_of(rate=800.0, problem="the client was the limit: <it> was busy"),
        ),
        slo=SLO,
        found=Found(rate=200.0, broke_at=400.0, n_confirmed=3, sureness=0.8, note="it held"),
        command=("goldcrest", "loadtest", "http://127.0.0.1:8000", "--slo", "p99<50ms"),
        began_at="2026-01-01T00:00:00+00:00",
        notes=("A note.",),
    )
