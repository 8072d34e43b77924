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
        precision: what it is called: "f32", "bf16" or "int8".
        variant: the graph that runs.
        hint: the arithmetic of whatever that graph does not quantise.
    """

    precision: str
    variant: str
    hint: str

    def __str__(self) -> str:
        return f"{self.variant}+{self.hint}"


_ALL = (
    Candidate("f32", "f32", "f32"),
    Candidate("bf16", "f32", "bf16"),
    Candidate("int8", "int8", "f32"),
    Candidate("int8", "int8", "bf16"),
)


def candidates(
    variants: Collection[str], processor: Processor, precision: str = "auto"
) -> tuple[Candidate, ...]:
    """List what may run: the variants there are, without arithmetic that would be emulated.

    Raises:
        NoVariant: nothing is left; the sentence says why.
    """
    there = [candidate for candidate in _ALL if candidate.variant in variants]
    wanted = [c for c in there if precision in {"auto", c.precision}]
    native = [c for c in wanted if c.hint != "bf16" or processor.has_native_bf16]
    if native:
        return tuple(native)
    if wanted:
        raise NoVariant(
            f"precision {precision!r} needs bf16 arithmetic, which {processor.name} would emulate "
            "many times slower than f32; choose another or 'auto'"
        )
    raise NoVariant(
        f"precision {precision!r} cannot run: the artifact has the variants {', '.join(variants)}"
    )


def fastest(seconds: Mapping[Candidate, float]) -> Candidate:
    """The candidate that took the least time; on a tie the plainer arithmetic, as listed.

    Raises:
        NoVariant: there is none, because none could run.
    """
    if not seconds:
        raise NoVariant("none of the artifact's variants runs on this processor; the log says why")
    return min(seconds, key=lambda candidate: (seconds[candidate], _ALL.index(candidate)))
