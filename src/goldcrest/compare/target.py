"""Where a model will run and how often it changes: what that weighs, and the limits it brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from goldcrest.compare.result import Limit, MeasureName, TargetName, Updates

QUALITY_WEIGHT = 20.0
"""Losing a hundredth of the quality weighs as much as becoming a fifth slower: 0.99**20 is 0.82."""


@dataclass(frozen=True, slots=True)
class Target:
    """An environment to run in.

    Attributes:
        about: what it stands for.
        weights: how much a figure counts that is twice as good; the leading one is 1.
        bounds: limits that hold unless a flag says otherwise; seconds or bytes.
        n_threads: of the engine; 0: as the settings say.
        why: where the bounds come from.
    """

    name: TargetName
    about: str
    weights: Mapping[MeasureName, float]
    bounds: Mapping[MeasureName, float] = field(default_factory=dict)
    n_threads: int = 0
    why: str = ""

    @property
    def leading(self) -> MeasureName:
        """What counts most."""
        return max(self.weights, key=lambda name: self.weights[name])


_ALL = (
    Target(
        "cpu",
        "a server that always runs and is kept busy",
        {"throughput": 1.0, "p99": 0.5, "memory": 0.25, "start": 0.1, "artifact": 0.1},
    ),
    Target(
        "edge",
        "a small device that runs other things too",
        {"memory": 1.0, "p99": 0.5, "artifact": 0.5, "start": 0.25, "throughput": 0.1},
        bounds={"memory": 512e6},
        n_threads=1,
        why="small boards have 512 MB of memory",
    ),
    Target(
        "serverless",
        "a function that is started when a request comes",
        {"start": 1.0, "artifact": 0.5, "p99": 0.5, "memory": 0.25, "throughput": 0.1},
        bounds={"start": 10.0, "artifact": 250e6},
        why="AWS Lambda gives a start 10 s, and a package 250 MB unpacked",
    ),
)
TARGETS: Mapping[TargetName, Target] = {target.name: target for target in _ALL}

SWAP_WEIGHTS: Mapping[Updates, float] = {"rarely": 0.05, "daily": 0.25, "hourly": 1.0}
"""How much a swap counts that takes half as long."""


def weights_of(target: Target, updates: Updates) -> dict[MeasureName, float]:
    """What each measure weighs; none weighs nothing, so that of two alike the better one wins."""
    return {"quality": QUALITY_WEIGHT, **target.weights, "swap": SWAP_WEIGHTS[updates]}


def limits_of(target: Target, given: tuple[Limit, ...]) -> tuple[Limit, ...]:
    """The limits that were given, and those of the target on whatever else."""
    said = {limit.measure for limit in given}
    implied = tuple(
        Limit(measure=measure, bound=bound, by=f"--target {target.name}")
        for measure, bound in target.bounds.items()
        if measure not in said
    )
    return (*given, *implied)
