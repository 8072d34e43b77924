"""Which precisions could run here, and which of them is the fastest; pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from goldcrest.engine.processor import Processor
from goldcrest.errors import NoVariant


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to run an artifact.

    Attributes:
        precision: what it is called, such as "f32", "bf16" or "int8".
        variant: the graph that runs.
        hint: the arithmetic of whatever that graph does not quantise.
    """

    precision: str
    variant: str
    hint: str

    def __str__(self) -> str:
        return f"{self.variant}+{self.hint}"


EVERY = (
    Candidate("f32", "f32", "f32"),
    Candidate("bf16", "f32", "bf16"),
    Candidate("int8", "int8", "f32"),
    Candidate("int8", "int8", "bf16"),
    Candidate("int8-weights", "int8-weights", "f32"),
    Candidate("int8-weights", "int8-weights", "bf16"),
    Candidate("f16", "f32", "f16"),
)
"""Every way to run an artifact."""

RULE = "bf16 saves a tenth, by two looks"
"""What a choice that was noted went by; one that went by another is made anew."""

_WORTH = 0.9
"""Of the time in f32: what arithmetic in half the bits may take at most."""
_NEAR = 1.3
"""Times the fastest: what a moment of the machine may come to."""


def candidates(
    variants: Collection[str],
    processor: Processor,
    precision: str = "auto",
    *,
    passed: Collection[str] = (),
) -> tuple[Candidate, ...]:
    """List what may run: the variants there are, without arithmetic that would be emulated.

    Args:
        variants: of the artifact.
        processor: what it does in hardware counts.
        precision: "auto", or the one that is asked for. Half precision is not among the first
            unless it passed: its numbers end at 65,504, which the states of a model may exceed.
        passed: the candidates that kept the artifact's quality; empty where nobody measured it.

    Raises:
        NoVariant: nothing is left; the sentence says why.
    """
    there = [candidate for candidate in EVERY if candidate.variant in variants]
    wanted = [c for c in there if precision == c.precision or (precision == "auto" and _is_safe(c))]
    if passed:
        wanted = [c for c in there if str(c) in passed and precision in {"auto", c.precision}]
    native = [c for c in wanted if _is_native(c, processor)]
    if native:
        return tuple(native)
    if wanted:
        raise NoVariant(
            f"precision {precision!r} needs {wanted[0].hint} arithmetic, which {processor.name} "
            "would emulate many times slower than f32; choose another or 'auto'"
        )
    if passed and precision in {candidate.precision for candidate in there}:
        raise NoVariant(
            f"precision {precision!r} is not among those that passed when the artifact was "
            f"optimised: {', '.join(passed)}"
        )
    raise NoVariant(
        f"precision {precision!r} cannot run: the artifact has the variants {', '.join(variants)}"
    )


def _is_safe(candidate: Candidate) -> bool:
    return candidate.hint != "f16"


def _is_native(candidate: Candidate, processor: Processor) -> bool:
    if candidate.hint == "bf16":
        return processor.has_native_bf16
    return candidate.hint != "f16" or processor.has_native_f16


def fastest(seconds: Mapping[Candidate, float]) -> Candidate:
    """The candidate that took the least time; on a tie the plainer arithmetic, as listed.

    Arithmetic in half the bits must save a tenth of the time that f32 takes on the same graph:
    with it, what else is in a grid, and how wide it is, may show in an answer's third digit.

    Raises:
        NoVariant: there is none, because none could run.
    """
    worth = [one for one in seconds if not _saves_little(one, seconds)]
    if not worth:
        raise NoVariant("none of the artifact's variants runs on this processor; the log says why")
    return min(worth, key=lambda candidate: (seconds[candidate], EVERY.index(candidate)))


def close(seconds: Mapping[Candidate, float]) -> tuple[Candidate, ...]:
    """Those that a second look may tell apart: who comes near the fastest, and it itself.

    They were timed one after the other, and a machine that is shared has quick and slow moments.
    """
    near_s = _NEAR * min(seconds.values(), default=0.0)
    near = tuple(candidate for candidate, s in seconds.items() if s <= near_s)
    return near if len(near) > 1 else ()


def _saves_little(candidate: Candidate, seconds: Mapping[Candidate, float]) -> bool:
    return any(
        seconds[candidate] > _WORTH * s
        for other, s in seconds.items()
        if other.variant == candidate.variant and other.hint == "f32" != candidate.hint
    )
