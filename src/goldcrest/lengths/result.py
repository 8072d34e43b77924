"""What was found out about the lengths of texts, as it is kept and shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from goldcrest.lengths.choices import Advice, Choice, advice, choices
from goldcrest.lengths.distribution import Distribution
from goldcrest.lengths.prices import Prices
from goldcrest.metrics.specs import LENGTHS

BOUNDS = tuple(map(int, LENGTHS))
"""Of the buckets that are shown: those of the server's histogram."""

_QUANTILES = (0.5, 0.9, 0.95, 0.99, 1.0)


@dataclass(frozen=True, slots=True)
class Subject:
    """A model whose texts were counted.

    Attributes:
        name: what it is called here.
        setting: the key and value by which the settings know it, such as ``source = "sentiment"``;
            empty for a cascade, which has no limit of its own.
        limit: the most tokens that it takes.
        found: how long its texts are.
        prices: what its grids cost; None where nothing was measured.
        is_set: whether ``limit`` is what the settings say, and the model may take more.
    """

    name: str
    setting: str
    limit: int
    found: Distribution
    prices: Prices | None = None
    is_set: bool = False


class Bucket(msgspec.Struct, frozen=True):
    """Texts of about one length.

    Attributes:
        low: the least tokens.
        high: the most; None: no bound.
    """

    low: int
    high: int | None
    n_texts: int


class ModelLengths(msgspec.Struct, frozen=True, kw_only=True):
    """The texts of one model.

    Attributes:
        is_exact: whether each text was counted; else figures are known by buckets, as bounds.
        quantiles: the most tokens that this share of the texts, the shortest, has.
        choices: the limits that were weighed, the model's own the last.
        setting: the lines to write.
        precision: whose costs the predictions rest on; empty where there are none.
    """

    model: str
    limit: int
    n_texts: int
    n_tokens: int
    is_exact: bool
    quantiles: Mapping[str, int]
    buckets: Sequence[Bucket]
    choices: Sequence[Choice]
    advice: Advice
    setting: str
    precision: str = ""

    @property
    def has_seconds(self) -> bool:
        """Whether there are predictions in seconds."""
        return self.choices[-1].packed_s is not None


class LengthsReport(msgspec.Struct, frozen=True, kw_only=True):
    """All of it.

    Attributes:
        source: a file, or the URL of a server.
        keep: the share of the texts that must stay whole.
        at: when it was made.
    """

    source: str
    keep: float
    models: Sequence[ModelLengths]
    version: str
    at: str


def _lines(subject: Subject, max_length: int) -> str:
    if not subject.setting:
        return "# A cascade has the lengths of its members: set those."
    return f"[[models]]\n{subject.setting}\nmax_length = {max_length}"


def weighed(subject: Subject, keep: float) -> ModelLengths:
    """Weigh the limits of one model."""
    found = subject.found
    prices = subject.prices if subject.prices and subject.prices.is_enough else None
    of_all = choices(found, subject.limit, prices)
    advised = advice(of_all, keep, is_set=subject.is_set)
    return ModelLengths(
        model=subject.name,
        limit=subject.limit,
        n_texts=found.n_texts,
        n_tokens=found.n_tokens,
        is_exact=found.is_exact,
        quantiles={_name(share): found.quantile(share) for share in _QUANTILES},
        buckets=_buckets(found),
        choices=of_all,
        advice=advised,
        setting=_lines(subject, advised.max_length),
        precision=prices.precision if prices else "",
    )


def _name(share: float) -> str:
    return "max" if share == 1 else f"p{100 * share:g}"


def _buckets(found: Distribution) -> tuple[Bucket, ...]:
    """The buckets from the first to the last that has texts."""
    counts = found.buckets(BOUNDS)
    filled = [place for place, count in enumerate(counts) if count]
    lows, highs = (1, *(bound + 1 for bound in BOUNDS)), (*BOUNDS, None)
    every = [Bucket(*one) for one in zip(lows, highs, counts, strict=True)]
    return tuple(every[filled[0] : filled[-1] + 1])
