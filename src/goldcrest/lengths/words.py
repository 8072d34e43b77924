"""Figures of a report on lengths in words, for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Sequence

from goldcrest.lengths.choices import Choice, percent
from goldcrest.lengths.distribution import Between
from goldcrest.lengths.result import Bucket, LengthsReport, ModelLengths

BOUNDED = (
    "A server counts texts by buckets: a length is told as the upper bound of its bucket, what is "
    "not known exactly as from-to."
)
PACKED = (
    "Texts are packed, so a limit costs nothing for texts that are shorter: it saves what it cuts "
    "off. Padded, each text would take as many slots as the limit has, however short it is."
)
NO_SECONDS = (
    "Costs are told in tokens only, since no times are known for this model on this machine: serve "
    "it here until its shapes are warm, and ask again."
)


def heads(told: ModelLengths) -> tuple[str, ...]:
    """Of the table of limits."""
    seconds = ("s per 1,000", "texts/s", "padded: s per 1,000") if told.has_seconds else ()
    return ("max_length", "texts cut", "tokens lost", "tokens run", *seconds, "padded: slots")


def row(told: ModelLengths, choice: Choice) -> tuple[str, ...]:
    """Of one limit; tokens and slots are per text, padding also as a multiple of the tokens."""
    return (
        str(choice.max_length),
        shares(choice.cut),
        shares(choice.dropped),
        tokens(choice.run),
        *_seconds(choice),
        f"{choice.max_length} ({choice.padding:.1f}x)",
    )


def _seconds(choice: Choice) -> tuple[str, ...]:
    if choice.packed_s is None or choice.padded_s is None:
        return ()
    return (f"{choice.packed_s:.3g}", f"{choice.texts_per_s:,.0f}", f"{choice.padded_s:.3g}")


def shares(bounds: Between) -> str:
    """A share, or from where to where it may lie."""
    if bounds.is_exact:
        return percent(bounds.high)
    return f"{percent(bounds.low).removesuffix(' %')}-{percent(bounds.high)}"


def tokens(bounds: Between) -> str:
    """A number of tokens, or from where to where it may lie."""
    return f"{bounds.high:.1f}" if bounds.is_exact else f"{bounds.low:.1f}-{bounds.high:.1f}"


def lengths_of(bucket: Bucket) -> str:
    """From how many tokens to how many."""
    if bucket.high is None:
        return f"{bucket.low}+"
    return f"{bucket.low}-{bucket.high}"


def summary(told: ModelLengths) -> str:
    """How many texts there are and how long."""
    most = "" if told.is_exact else "at most "
    quantiles = ", ".join(f"{name} {most}{length}" for name, length in told.quantiles.items())
    return (
        f"{told.n_texts:,} texts, {told.n_tokens:,} tokens; per text {mean(told):.1f} on average, "
        f"{quantiles}"
    )


def sentence(told: ModelLengths) -> str:
    """The advice."""
    said = told.advice.reason
    return f"{said[0].upper()}{said[1:]}."


def mean(told: ModelLengths) -> float:
    """Tokens per text."""
    return told.n_tokens / told.n_texts


def notes(report: LengthsReport) -> Sequence[str]:
    """What to mind when the figures are read."""
    said = [PACKED]
    if not all(told.is_exact for told in report.models):
        said.append(BOUNDED)
    if not all(told.has_seconds for told in report.models):
        said.append(NO_SECONDS)
    return said
