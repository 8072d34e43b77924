"""Objectives, as written on the command line and as judged."""

from __future__ import annotations

import re
from typing import cast

from goldcrest.errors import ConfigError
from goldcrest.loadtest.result import Measure, Slo, Step, Term

_LATENCIES = ("p50", "p90", "p95", "p99", "p99.9", "max", "mean")
_SHARES = ("errors", "refused", "goodput")
_TERM = re.compile(r"([a-z0-9.]+)\s*(<=?|>=?)\s*(\d+(?:\.\d+)?)\s*(us|ms|s|%|)")
_TO_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
_EXAMPLE = "p99<50ms,errors<0.1%"
IMPLIED = 0.01
"""The share of errors, and of refusals, that an objective which names neither puts up with."""


def read_slo(text: str) -> Slo:
    """Read an objective such as ``p99<50ms,errors<0.1%``.

    Raises:
        ConfigError: it is not written so.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise ConfigError(f"an objective has no terms; write it as in {_EXAMPLE}")
    terms = tuple(_term(part) for part in parts)
    return Slo(text=",".join(parts), terms=(*terms, *_implied(terms)))


def _implied(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """Latencies are those of answers, so whoever says nothing of failures does not get them free."""
    said = {term.measure for term in terms}
    if "goodput" in said:
        return ()
    return tuple(
        Term(measure=measure, limit=IMPLIED)
        for measure in ("errors", "refused")
        if measure not in said
    )


def _term(text: str) -> Term:
    found = _TERM.fullmatch(text)
    if found is None:
        raise ConfigError(f"the term {text!r} of an objective is not valid; see {_EXAMPLE}")
    measure, sign, number, unit = found.groups()
    if measure not in _LATENCIES + _SHARES:
        known = ", ".join(_LATENCIES + _SHARES)
        raise ConfigError(f"an objective cannot be about {measure!r}; it can about: {known}")
    wanted = ">" if measure == "goodput" else "<"
    if sign[0] != wanted:
        raise ConfigError(f"the term {text!r} of an objective needs {wanted} in place of {sign}")
    return Term(measure=cast("Measure", measure), limit=_limit(text, measure, float(number), unit))


def _limit(text: str, measure: str, number: float, unit: str) -> float:
    if measure in _LATENCIES:
        if unit not in _TO_MS or not number:
            raise ConfigError(f"the term {text!r} of an objective needs a time in us, ms or s")
        return number * _TO_MS[unit]
    if unit != "%" or number > 100:
        raise ConfigError(f"the term {text!r} of an objective needs a share from 0 to 100 %")
    return number / 100


def measured(step: Step, measure: str) -> float:
    """What a step has to show for one measure: ms, or a share of what was sent."""
    if measure in _LATENCIES:
        return float(getattr(step.latency, measure.replace(".", "_")))
    if measure == "goodput":
        return step.goodput
    counted = step.n_errors if measure == "errors" else step.refused
    return counted / step.sent if step.sent else 0.0


def excess(step: Step, slo: Slo) -> float:
    """How far the worst term is from its bound: at most 1 is within, 2 is twice the bound.

    A step without an answer is infinitely far off. A bound of 0 is met by 0 alone.
    """
    if not step.answered:
        return float("inf")
    return max(_ratio(measured(step, term.measure), term) for term in slo.terms)


def _ratio(value: float, term: Term) -> float:
    if term.measure == "goodput":  # the shares that are bad, compared
        value, limit = 1 - value, 1 - term.limit
    else:
        limit = term.limit
    if value <= limit:
        return value / limit if limit else 0.0
    return value / limit if limit else float("inf")


def is_within(step: Step, slo: Slo) -> bool:
    """Whether a step meets the objective."""
    return excess(step, slo) <= 1.0


def latency_limit_ms(slo: Slo | None) -> float:
    """The latency within which an answer is a good one: the widest one named; infinite if none."""
    named = [term.limit for term in slo.terms if term.measure in _LATENCIES] if slo else []
    return max(named, default=float("inf"))
