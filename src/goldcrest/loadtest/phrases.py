"""Words and numbers for people to read."""

from __future__ import annotations

from collections.abc import Sequence

from goldcrest.loadtest.result import Quantiles, Slo, Step
from goldcrest.loadtest.subject import Machine


def rate_of(step: Step) -> float:
    """The rate of a step: as asked, or what a closed loop came to."""
    return step.asked_rate or step.rate


def latency_of(latency: Quantiles, name: str) -> float:
    """A quantile by its name, such as p99.9."""
    return float(getattr(latency, name.replace(".", "_")))


def milliseconds(value: float) -> str:
    """A time in ms, in the unit that reads best."""
    return f"{value:.3g} ms" if value < 1000 else f"{value / 1000:.3g} s"


def _term(measure: str, limit: float) -> str:
    if measure == "goodput":
        return f"goodput at least {limit:.4%}".replace("0000%", "%")
    if measure in ("errors", "refused"):
        return f"{measure} at most {100 * limit:.3g} %"
    return f"{measure} at most {milliseconds(limit)}"


def in_full(slo: Slo) -> str:
    """An objective with the terms that nobody wrote."""
    said = ", ".join(_term(term.measure, term.limit) for term in slo.terms)
    return f"The objective in full: {said}."


def machine_of(machine: Machine) -> str:
    """A processor and its cores."""
    return f"{machine.processor}, {machine.cores} core{'s' * (machine.cores != 1)}"


def asked_of(step: Step) -> str:
    """What a step was asked for."""
    if step.clients:
        return f"{step.clients} client{'s' * (step.clients != 1)}"
    return f"{step.asked_rate:.4g}/s"


def name_of(step: Step) -> str:
    """A step by what it was for and asked for."""
    return f"{step.kind} {asked_of(step)}"


def spread(steps: Sequence[Step], most: int) -> list[Step]:
    """At most so many of the steps, evenly chosen, the first and the last among them."""
    if len(steps) <= most:
        return list(steps)
    return [steps[round(number * (len(steps) - 1) / (most - 1))] for number in range(most)]
