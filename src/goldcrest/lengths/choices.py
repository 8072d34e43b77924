"""What each limit on the length of texts would cut off and cost, and which of them to take; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from goldcrest.lengths.distribution import Between, Distribution
from goldcrest.lengths.prices import Prices

LIMITS = (16, 32, 48, 64, 96, 128, 192, 256, 384, 512)
"""That are weighed, up to the model's own; all are bounds of the server's histogram too."""

_SAMPLE = 2048
"""Texts that are packed to tell what they cost."""

_WORTH_SAYING = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One limit.

    Attributes:
        max_length: tokens per text, special ones included.
        cut: the share of the texts that are longer.
        dropped: the share of all tokens that is lost.
        run: tokens per text that are left.
        packed_s: predicted seconds per 1,000 texts under load; None where nothing was measured.
        padded_s: the same if each text were padded to the limit.
    """

    max_length: int
    cut: Between
    dropped: Between
    run: Between
    packed_s: float | None = None
    padded_s: float | None = None

    @property
    def texts_per_s(self) -> float | None:
        return None if self.packed_s is None else 1000 / self.packed_s

    @property
    def padding(self) -> float:
        """How many times as many slots as tokens there would be if texts were padded."""
        return self.max_length / ((self.run.low + self.run.high) / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Which limit to set.

    Attributes:
        max_length: tokens per text.
        is_enough: whether it keeps as many texts whole as was asked for.
        reason: in a sentence.
    """

    max_length: int
    is_enough: bool
    reason: str


def limits(own: int) -> tuple[int, ...]:
    """The limits that are weighed for a model, its own the last."""
    return (*(limit for limit in LIMITS if limit < own), own)


def choices(found: Distribution, own: int, prices: Prices | None = None) -> tuple[Choice, ...]:
    """What each limit up to the model's own would cut off and cost."""
    lengths = found.sample(_SAMPLE).tolist() if prices else []
    return tuple(_choice(found, limit, lengths, prices) for limit in limits(own))


def _choice(
    found: Distribution, limit: int, lengths: Sequence[int], prices: Prices | None
) -> Choice:
    return Choice(
        max_length=limit,
        cut=found.n_longer(limit).over(found.n_texts),
        dropped=found.n_dropped(limit).over(found.n_tokens),
        run=found.n_run(limit).over(found.n_texts),
        packed_s=1000 * prices.packed_s(lengths, limit) if prices else None,
        padded_s=1000 * prices.padded_s(limit) if prices else None,
    )


def advice(weighed: Sequence[Choice], keep: float, *, is_set: bool = False) -> Advice:
    """The smallest limit that surely keeps a share of the texts whole; else the largest.

    Args:
        weighed: ascending, the last the model's own.
        keep: the share.
        is_set: whether that last one is what the settings say, and the model may take more.
    """
    for place, choice in enumerate(weighed):
        if choice.cut.high <= 1 - keep + 1e-12:
            before = weighed[place - 1] if place else None
            reason = _reason(choice, before, weighed[-1], keep)
            return Advice(max_length=choice.max_length, is_enough=True, reason=reason)
    own = weighed[-1]
    return Advice(
        max_length=own.max_length,
        is_enough=False,
        reason=f"no limit up to {own.max_length}, {'as it is set' if is_set else 'all it takes'}, "
        f"keeps {percent(keep)} of the texts whole: {own.max_length} cuts {share(own.cut)} of "
        f"them, which drops {share(own.dropped)} of all tokens; "
        f"{'raise it if the model takes more, ' if is_set else ''}split long texts, or ask for "
        "windows",
    )


def _reason(choice: Choice, before: Choice | None, own: Choice, keep: float) -> str:
    said = (
        f"{choice.max_length} is the smallest limit that keeps {percent(keep)} of the texts whole"
    )
    if choice.cut.high:
        said += f": it cuts {share(choice.cut)}, which drops {share(choice.dropped)} of all tokens"
    else:
        said += ": it cuts none"
    if before is not None:
        said += f"; {before.max_length} would cut {share(before.cut)}"
    saved = Between(choice.dropped.low - own.dropped.high, choice.dropped.high - own.dropped.low)
    if choice is not own and saved.high >= _WORTH_SAYING:
        said += f"; against {own.max_length} it saves {share(saved)} of all tokens"
    return said


def share(bounds: Between) -> str:
    """A share that is known, or its upper bound."""
    return percent(bounds.high) if bounds.is_exact else f"at most {percent(bounds.high)}"


def percent(value: float) -> str:
    """A share as people read it; what is neither none nor all does not look like it."""
    if 0 < value < 0.0005:
        return "under 0.1 %"
    if 0.9995 <= value < 1:
        return "over 99.9 %"
    return f"{100 * value:.1f}".removesuffix(".0") + " %"
