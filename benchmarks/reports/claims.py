"""What a guide to lightweight models claims, beside what was measured; every word on it is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from goldcrest.compare.measures import count, duration, rate, size
from goldcrest.compare.result import Comparison, Measured

CLOSE = 0.05
"""A share within this of the one that is claimed counts as it."""
NEAR = 0.1
"""A ratio within this share of the one that is claimed counts as it."""


@dataclass(frozen=True)
class Claim:
    """A claim and what became of it.

    Attributes:
        about: what it is of.
        claimed: in the guide, or where it says.
        measured: here.
        verdict: a sentence.
    """

    about: str
    claimed: str
    measured: str
    verdict: str


def claims(seen: Comparison) -> list[Claim]:
    """All that can be judged; a claim on a contender that is not there is left out."""
    found: list[Claim] = []
    for judge in _JUDGES:
        try:
            found += judge(seen)
        except KeyError:
            continue
    return found


def less(value: float, base: float) -> float:
    """By which share a value is less than the base; negative where it is more."""
    return 1 - value / base


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def times(ratio: float) -> str:
    return f"{ratio:.2g} times" if ratio < 9.95 else f"{ratio:.0f} times"


def share_verdict(what: str, share: float, claimed: float) -> str:
    """Whether something is less by the share that is claimed."""
    if share <= 0:
        return f"It takes no less {what} here, but {percent(-share)} more."
    said = f"It takes {percent(share)} less {what} here"
    if abs(share - claimed) <= CLOSE:
        return f"{said}, as claimed."
    return f"{said}, {'more' if share > claimed else 'less'} than the {percent(claimed)} claimed."


def ratio_verdict(what: str, ratio: float, low: float, high: float) -> str:
    """Whether a ratio lies between those that are claimed; ``{}`` in ``what`` is the ratio."""
    said = what.format(times(ratio))
    wanted = times(low) if low == high else f"{low:g} to {high:g} times"
    if ratio < low * (1 - NEAR):
        return f"{said}, less than the {wanted} claimed."
    if ratio > high * (1 + NEAR):
        return f"{said}, more than the {wanted} claimed."
    return f"{said}, as claimed."


def _distilbert(seen: Comparison) -> Iterator[Claim]:
    one, base = seen.named("distilbert:f32"), seen.named("bert-base:f32")
    yield Claim(
        "DistilBERT's parameters, against BERT-base",
        "66 M against 110 M, 40 % fewer",
        f"{count(one.n_parameters)} against {count(base.n_parameters)}",
        share_verdict("of them", less(one.n_parameters, base.n_parameters), 0.4).replace(
            "takes", "has"
        ),
    )
    yield Claim(
        "DistilBERT's memory, against BERT-base",
        "40 % less",
        f"{size(one.resident_bytes)} against {size(base.resident_bytes)} resident; "
        f"{size(one.artifact_bytes)} against {size(base.artifact_bytes)} on disk",
        share_verdict("memory", less(one.resident_bytes, base.resident_bytes), 0.4)
        + f" On disk it is {percent(less(one.artifact_bytes, base.artifact_bytes))} less.",
    )
    yield from _distilbert_time(one, base)


def _distilbert_time(one: Measured, base: Measured) -> Iterator[Claim]:
    share, ratio = less(one.p50_ms, base.p50_ms), one.texts_per_s / base.texts_per_s
    yield Claim(
        "DistilBERT's time for a text, against BERT-base",
        "60 % less",
        f"{duration(one.p50_ms / 1e3)} against {duration(base.p50_ms / 1e3)} at the median",
        share_verdict("time", share, 0.6)
        + f" Half the layers of the same width can save half the time; the paper's 60 % more speed "
        f"is {percent(1 - 1 / 1.6)} less time.",
    )
    yield Claim(
        "DistilBERT's speed, against BERT-base",
        "60 % faster, in its paper",
        f"{rate(one.texts_per_s)} against {rate(base.texts_per_s)}",
        ratio_verdict("It answers {} as many texts here", ratio, 1.6, 1.6),
    )


def _tinybert(seen: Comparison) -> Iterator[Claim]:
    base = seen.named("bert-base:f32")
    for name, title in (("tinybert-4l:f32", "4 layers"), ("tinybert-6l:f32", "6 layers")):
        one = seen.named(name)
        ratio = base.n_parameters / one.n_parameters
        faster = one.texts_per_s / base.texts_per_s
        yield Claim(
            f"TinyBERT's parameters, {title}, against BERT-base",
            "4 times fewer",
            f"{count(one.n_parameters)} against {count(base.n_parameters)}",
            ratio_verdict("BERT-base has {} as many", ratio, 4, 4)
            + f" It answers {times(faster)} as many texts a second.",
        )


def _albert(seen: Comparison) -> Iterator[Claim]:
    one, base = seen.named("albert-base:f32"), seen.named("bert-base:f32")
    share = less(one.resident_bytes, base.resident_bytes)
    fewer = less(one.n_parameters, base.n_parameters)
    ratio = one.texts_per_s / base.texts_per_s
    verdict = (
        "lower memory, as claimed" if share > CLOSE else "hardly lower memory, against the claim"
    )
    yield Claim(
        "ALBERT's shared parameters, against BERT-base",
        "they reduce memory significantly",
        f"{count(one.n_parameters)} against {count(base.n_parameters)}; "
        f"{size(one.resident_bytes)} against {size(base.resident_bytes)} resident",
        f"{percent(fewer)} fewer parameters come to {percent(share)} less memory: {verdict}. Every "
        f"layer still runs: it answers {times(ratio)} as many texts a second.",
    )


def _int8(seen: Comparison) -> Iterator[Claim]:
    for model in ("bert-base", "distilbert", "minilm-l6"):
        one, base = seen.named(f"{model}:int8"), seen.named(f"{model}:f32")
        ratio = one.texts_per_s / base.texts_per_s
        yield Claim(
            f"INT8 of {model}, against f32",
            "2 to 4 times the speed, smaller",
            f"{rate(one.texts_per_s)} against {rate(base.texts_per_s)}; "
            f"{size(one.artifact_bytes)} against {size(base.artifact_bytes)}",
            ratio_verdict("It answers {} as many texts here", ratio, 2, 4)
            + f" It is {times(base.artifact_bytes / one.artifact_bytes)} smaller on disk and takes "
            f"{percent(less(one.resident_bytes, base.resident_bytes))} less memory.",
        )


def _mobilebert(seen: Comparison) -> Iterator[Claim]:
    one, base = seen.named("mobilebert:f32"), seen.named("bert-base:f32")
    ratio = one.texts_per_s / base.texts_per_s
    smaller = base.artifact_bytes / one.artifact_bytes
    yield Claim(
        "MobileBERT, against BERT-base",
        "balances size with speed, on Arm and mobile GPUs",
        f"{size(one.artifact_bytes)} against {size(base.artifact_bytes)}; "
        f"{rate(one.texts_per_s)} against {rate(base.texts_per_s)}",
        f"It is {times(smaller)} smaller and answers {times(ratio)} as many texts a second; this "
        "machine is not the kind that it was made for.",
    )


def _updates(seen: Comparison) -> Iterator[Claim]:
    known = [(one.artifact_bytes, one.swap_s, one.name) for one in seen.measured if one.swap_s]
    if len(known) < 3:
        return
    known.sort()
    (_, quick, small), (_, slow, large) = known[0], known[-1]
    order = _rank_correlation([n for n, _, _ in known], [s for _, s, _ in known])
    yield Claim(
        "Models that are updated often",
        "benefit from smaller sizes",
        f"{small} is swapped in in {duration(quick)}, {large} in {duration(slow)}",
        f"The rank correlation of artifact size and swap time over {len(known)} contenders is "
        f"{order:.2f}: {'smaller ones are swapped in sooner' if order > 0.5 else 'size says little'}.",
    )


def _rank_correlation(one: list[int], other: list[float]) -> float:
    first, second = (np.argsort(np.argsort(values)).astype(float) for values in (one, other))
    return float(np.corrcoef(first, second)[0, 1])


_JUDGES: tuple[Callable[[Comparison], Iterator[Claim]], ...] = (
    _distilbert,
    _tinybert,
    _albert,
    _mobilebert,
    _int8,
    _updates,
)

NOT_JUDGED = (
    "The guide also says that DistilBERT keeps 97 % of BERT's quality. Random weights cannot tell: "
    "quality is no part of this report."
)
