"""From what probes saw to the figures of a contender: medians over its rounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from goldcrest.artifact import Artifact
from goldcrest.compare.contender import Contender
from goldcrest.compare.parameters import artifact_bytes, n_parameters
from goldcrest.compare.probe import Seen
from goldcrest.compare.result import Judged, Measured, Round


def round_of(first: Seen, second: Seen) -> Round:
    """What two processes saw: one that only started, and one that went on to work.

    Raises:
        ValueError: the second did no work.
    """
    speed = second.speed
    if speed is None:
        raise ValueError("a round needs a probe that worked; its order gave it 0 seconds")
    return Round(
        first_start_s=first.start_s,
        second_start_s=second.start_s,
        resident_bytes=speed.resident_bytes,
        peak_bytes=second.peak_bytes,
        swap_s=second.swap_s,
        p50_ms=speed.p50_ms,
        p95_ms=speed.p95_ms,
        p99_ms=speed.p99_ms,
        n_timed=speed.n_timed,
        texts_per_s=speed.texts_per_s,
        precision=second.precision,
        arithmetic=second.arithmetic,
        others_cores=speed.others_cores,
    )


def measured(
    contender: Contender, artifact: Artifact, rounds: Sequence[Round], quality: Judged | None
) -> Measured:
    """A contender's figures.

    Args:
        contender: who.
        artifact: what it ran from.
        rounds: at least one.
        quality: None where it was not judged.
    """

    def middle(read: Callable[[Round], float]) -> float:
        return median(map(read, rounds))

    swaps = [one.swap_s for one in rounds if one.swap_s is not None]
    others = [one.others_cores for one in rounds if one.others_cores is not None]
    manifest, variant = artifact.manifest, rounds[-1].arithmetic.partition("+")[0]
    return Measured(
        name=contender.name,
        model=contender.model,
        asked=contender.precision,
        precision=rounds[-1].precision,
        family=manifest.family,
        task=manifest.task,
        n_parameters=n_parameters(artifact.variant(variant)),
        artifact_bytes=artifact_bytes(artifact, variant),
        first_start_s=middle(lambda one: one.first_start_s),
        second_start_s=middle(lambda one: one.second_start_s),
        swap_s=median(swaps) if swaps else None,
        resident_bytes=round(middle(lambda one: one.resident_bytes)),
        peak_bytes=max(one.peak_bytes for one in rounds),
        p50_ms=middle(lambda one: one.p50_ms),
        p95_ms=middle(lambda one: one.p95_ms),
        p99_ms=middle(lambda one: one.p99_ms),
        n_timed=sum(one.n_timed for one in rounds),
        texts_per_s=middle(lambda one: one.texts_per_s),
        others_cores=max(others, default=None),
        quality=quality,
        rounds=tuple(rounds),
    )
