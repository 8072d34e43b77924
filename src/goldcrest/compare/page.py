"""The HTML report of a comparison."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from goldcrest.compare import drawing
from goldcrest.compare.limit import bound_of
from goldcrest.compare.measures import MEASURES, count, duration, rate, size
from goldcrest.compare.result import Choice, Comparison, Machine, Measured
from goldcrest.compare.target import TARGETS
from goldcrest.report import Figure, Page, Section, Table, chart, render

HEADS = (
    "contender",
    "parameters",
    "artifact",
    "memory",
    "first start",
    "second",
    "swap",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "texts/s",
)
_NOISE = 0.25
"""Processors that others may use before the report warns."""

_HOW_CHOSEN = (
    "Among those that keep every limit, the pick has the highest sum of weight times logarithm of "
    "each figure: twice as good counts the weight, whatever the unit."
)
_HOW_MEASURED = (
    "Each round starts two processes for every contender, one at a time, and takes the contenders "
    "in turn, every second round in reverse. Figures are medians over the rounds. Throughput is "
    "that of four callers who ask 16 texts at once. Memory is what a process holds after that work. "
    "A swap opens a new version beside the old one and warms it, with the pauses that a server "
    "makes for its callers, until it takes over."
)


def html(
    seen: Comparison, *, title: str = "", headline: str = "", more: Sequence[Section] = ()
) -> str:
    """The report as a page that needs nothing else.

    Args:
        seen: what was measured.
        title: empty: it names the contenders.
        headline: empty: the reason of the pick.
        more: sections that follow the figures.
    """
    names = ", ".join(one.name for one in seen.measured)
    return render(
        Page(
            title=title or f"Comparison of {names}",
            headline=headline or (seen.choice.reason if seen.choice else names),
            facts=tuple(_facts(seen)),
            sections=(*_figures(seen), *more, *_method(seen)),
            made_by=f"goldcrest {seen.version}, {seen.began_at}",
        )
    )


def _facts(seen: Comparison) -> Iterator[tuple[str, str]]:
    if seen.choice and seen.choice.chosen:
        best = seen.named(seen.choice.chosen)
        yield "The pick", best.name
        yield "p99", duration(best.p99_ms / 1e3)
        yield "Throughput", rate(best.texts_per_s)
        yield "Memory", size(best.resident_bytes)
        if best.quality:
            yield best.quality.metric, f"{best.quality.value:.3f}"


def heads(seen: Comparison) -> tuple[str, ...]:
    """The columns of the table of figures."""
    metrics = [one.quality.metric for one in seen.measured if one.quality]
    return (*HEADS, metrics[0]) if metrics else HEADS


def row(one: Measured, *, star: str = "") -> tuple[str, ...]:
    """A contender's figures as text, in the order of `heads`."""
    cells = (
        one.name + star,
        count(one.n_parameters),
        size(one.artifact_bytes),
        size(one.resident_bytes) if one.resident_bytes else "unknown",
        duration(one.first_start_s),
        duration(one.second_start_s),
        duration(one.swap_s) if one.swap_s is not None else "-",
        f"{one.p50_ms:.1f}",
        f"{one.p95_ms:.1f}",
        f"{one.p99_ms:.1f}",
        rate(one.texts_per_s).removesuffix(" texts/s"),
    )
    judged = one.quality
    if judged is None:
        return cells
    return (*cells, f"{judged.value:.3f} ({judged.low:.3f} to {judged.high:.3f})")


def table(seen: Comparison) -> Table:
    """All figures; the pick has a star, and who breaks a limit is shown as wrong."""
    choice, columns = seen.choice, heads(seen)
    out = {broken.name for broken in choice.broken} if choice else set()
    picked = choice.chosen if choice else ""
    cells = [row(one, star="*" if one.name == picked else "") for one in seen.measured]
    return Table(
        columns,
        [(*line, *["-"] * (len(columns) - len(line))) for line in cells],
        frozenset(n for n, one in enumerate(seen.measured) if one.name in out),
    )


def _figures(seen: Comparison) -> Iterator[Section]:
    notes = ["* the pick. Red: a limit is not kept."] if seen.choice else []
    notes.append(
        "Starts count from the start of the process to its first answer: the first finds an empty "
        "cache folder, the second what the first left there. Latencies are those of one client."
    )
    failed = [f"{one.name} is left out: {one.reason}" for one in seen.failures]
    yield Section("Figures", text=notes, tables=[table(seen)], warnings=failed)
    up = drawing.worth(seen)
    yield Section(
        f"{up.name.capitalize()} over latency and throughput",
        text=[_front_note(up)],
        figures=[Figure(chart(drawn), drawn.title) for drawn in drawing.charts(seen)],
    )
    if seen.choice:
        yield _choice(seen.choice)


def _front_note(up: drawing.Axis) -> str:
    note = "No contender beats one on the Pareto front in both."
    if up is drawing.PARAMETERS:
        return (
            f"{note} Quality was not measured: parameters stand for what a model can hold. "
            "Labelled texts (--data) tell what it does hold."
        )
    return note


def _choice(choice: Choice) -> Section:
    rows = [
        (
            one.name,
            one.limit.measure,
            MEASURES[one.limit.measure].written(one.value),
            bound_of(one.limit),
            one.limit.by,
        )
        for one in choice.broken
    ]
    weights = [(name, f"{weight:g}") for name, weight in choice.weights.items()]
    target = TARGETS[choice.target]
    why = f"; {target.why}" if target.why else ""
    text = [
        choice.reason,
        f"Target {target.name}: {target.about}{why}. New versions come {choice.updates}.",
        _HOW_CHOSEN,
    ]
    tables = [Table(("figure", "weight"), weights)]
    if rows:
        tables.insert(0, Table(("left out", "figure", "value", "limit", "set by"), rows))
    return Section("The pick", text=text, tables=tables)


def machine_of(machine: Machine) -> str:
    """A processor, its cores and its features."""
    cores = f"{machine.cores} core{'s' * (machine.cores != 1)}"
    return f"{machine.processor}, {cores} ({', '.join(machine.features)})"


def _method(seen: Comparison) -> Iterator[Section]:
    texts = seen.texts
    facts = [
        ("Machine", machine_of(seen.machine)),
        ("Engine threads", str(seen.n_threads)),
        ("Texts", f"{texts.name}; {texts.n} of {texts.mean_characters:.0f} characters on average"),
        ("Rounds", f"{seen.n_rounds}, {seen.seconds:g} s for latency and for throughput in each"),
    ]
    if texts.n_rows:
        facts.append(("Quality", f"on {texts.n_rows:,} rows, with its 95 % interval"))
    text = [_HOW_MEASURED, *seen.notes]
    yield Section("How it was measured", text=text, facts=facts, warnings=list(noise(seen)))
    if seen.command:
        yield Section("To repeat it", code=shlex.join(seen.command))


def noise(seen: Comparison) -> Iterator[str]:
    """What others on the machine took, where that is enough to matter."""
    for one in seen.measured:
        if one.others_cores is not None and one.others_cores > _NOISE:
            yield (
                f"While {one.name} was measured, others on the machine kept up to "
                f"{one.others_cores:.1f} cores busy: its figures are worse than on a quiet one."
            )
