"""Which ways to run a model are tried, which of them are shipped, and when nothing is; pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from goldcrest.engine.choice import EVERY, Candidate, candidates
from goldcrest.engine.processor import Processor
from goldcrest.errors import ArtifactError, NoVariant, QualityLost, QuantizeFailed
from goldcrest.optimize.result import Tried
from goldcrest.optimize.speed import slowness

REFERENCE = EVERY[0]


def candidate_of(name: str) -> Candidate:
    """The candidate of a name, such as "int8+bf16"."""
    return next(candidate for candidate in EVERY if str(candidate) == name)


def native(processor: Processor, demanded: Collection[str] = ()) -> tuple[Candidate, ...]:
    """Every candidate that the processor does not emulate, f32 first, whose loss is to be known.

    Args:
        processor: as the runtime sees it.
        demanded: precisions; empty means all.

    Raises:
        NoVariant: one that is demanded would be emulated.
    """
    variants = {candidate.variant for candidate in EVERY}
    names = [str(candidate) for candidate in EVERY]
    able = candidates(variants, processor, passed=names)
    for precision in demanded:
        candidates(variants, processor, precision, passed=names)
    return tuple(c for c in able if c == REFERENCE or not demanded or c.precision in demanded)


def needs_weights(
    processor: Processor, demanded: Collection[str], int8: Sequence[Tried], *, tries_all: bool
) -> bool:
    """Whether INT8 weights alone are worth trying: where INT8 is slow, or loses too much."""
    if demanded:
        return "int8-weights" in demanded
    return tries_all or not processor.has_int8_products or not any(one.is_within for one in int8)


def shipped(tried: Sequence[Tried], demanded: Collection[str]) -> tuple[Tried, ...]:
    """The candidates that the artifact may run.

    Raises:
        QualityLost: none of a precision that is demanded is within the limit.
        QuantizeFailed: it could not even be made or run.
    """
    for precision in demanded:
        own = [one for one in tried if one.precision == precision]
        if not any(one.is_within for one in own):
            raise _refusal(precision, own)
    return tuple(
        one for one in tried if one.is_within and (not demanded or one.precision in demanded)
    )


def _refusal(precision: str, own: Sequence[Tried]) -> ArtifactError:
    refused = [one for one in own if one.verdict == "refused"]
    if not refused:
        reasons = "; ".join(dict.fromkeys(one.reason for one in own))
        return QuantizeFailed(f"precision {precision!r} cannot be had: {reasons}")
    return lost(refused)


def lost(refused: Sequence[Tried]) -> QualityLost:
    """The error that tells of the candidate that came nearest to the limit."""
    losses = {one.name: one.loss for one in refused if one.loss is not None}
    name = min(losses, key=lambda name: losses[name].points)
    nearest = losses[name]
    return QualityLost(
        f"{name} loses {nearest.points:.2f} points of {nearest.metric}, more than the limit of "
        f"{nearest.limit:g}; nothing was written",
        metric=nearest.metric,
        points=nearest.points,
        limit=nearest.limit,
    )


def require_faster(tried: Sequence[Tried], best: Tried) -> None:
    """Refuse to ship what is no faster than f32.

    Raises:
        QualityLost: something is faster, but loses too much.
        NoVariant: nothing is.
    """
    if best.name != str(REFERENCE):
        return
    paces = {one.name: slowness(one.pace) for one in tried if one.pace is not None}
    plain = paces[best.name]
    if faster := [one for one in tried if paces.get(one.name, plain) < plain]:
        raise lost(faster)
    raise NoVariant("no precision is faster than f32 on this machine; nothing was written")
