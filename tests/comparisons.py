"""Contenders with made-up figures, for tests of what a comparison makes of them."""

from __future__ import annotations

from typing import Any

from goldcrest.compare.pick import pick
from goldcrest.compare.result import (
    Choice,
    Comparison,
    Judged,
    Limit,
    Machine,
    Measured,
    Round,
    TargetName,
    Texts,
    Updates,
)
from goldcrest.compare.target import TARGETS


def judged(value: float, metric: str = "accuracy") -> Judged:
    return Judged(metric=metric, value=value, low=value - 0.01, high=value + 0.01, n_rows=1000)


def contender(name: str, accuracy: float | None = None, **changes: Any) -> Measured:
    """A contender of everyday figures, but for those that are given."""
    figures: dict[str, Any] = {
        "n_parameters": 66_000_000,
        "artifact_bytes": 265_000_000,
        "first_start_s": 2.0,
        "second_start_s": 1.5,
        "swap_s": 20.0,
        "resident_bytes": 500_000_000,
        "peak_bytes": 900_000_000,
        "p50_ms": 8.0,
        "p95_ms": 30.0,
        "p99_ms": 40.0,
        "n_timed": 600,
        "texts_per_s": 100.0,
    }
    return Measured(
        name=name,
        model=name.partition(":")[0],
        asked="auto",
        precision="f32",
        family="bert",
        task="classify",
        quality=None if accuracy is None else judged(accuracy),
        **(figures | changes),
    )


def limit(measure: Any, bound: float, by: str = "") -> Limit:
    return Limit(measure=measure, bound=bound, by=by or f"--max-{measure}")


def chosen(
    *contenders: Measured,
    limits: tuple[Limit, ...] = (),
    target: TargetName = "cpu",
    updates: Updates = "rarely",
) -> Choice:
    return pick(contenders, TARGETS[target], updates, limits)


def comparison(*contenders: Measured, choice: Choice | None = None, **more: Any) -> Comparison:
    return Comparison(
        machine=Machine(processor="Some <Processor>", features=("avx2",), cores=2),
        texts=Texts(name="made-up texts", n=512, mean_characters=120.0),
        measured=contenders,
        choice=choice,
        n_threads=2,
        n_rounds=3,
        seconds=3.0,
        began_at="2026-11-27T04:40:00+00:00",
        version="0.1.0",
        **more,
    )


def one_round(**changes: Any) -> Round:
    figures: dict[str, Any] = {
        "first_start_s": 2.0,
        "second_start_s": 1.5,
        "resident_bytes": 500,
        "peak_bytes": 900,
        "p50_ms": 8.0,
        "p95_ms": 30.0,
        "p99_ms": 40.0,
        "n_timed": 100,
        "texts_per_s": 100.0,
        "precision": "f32",
        "arithmetic": "f32+f32",
    }
    return Round(**(figures | changes))
