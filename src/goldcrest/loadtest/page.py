"""The HTML report of a load test."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from goldcrest.loadtest import drawing
from goldcrest.loadtest.phrases import (
    in_full,
    latency_of,
    machine_of,
    milliseconds,
    name_of,
    rate_of,
    spread,
)
from goldcrest.loadtest.result import LoadReport
from goldcrest.loadtest.subject import Server
from goldcrest.report import Figure, Page, Section, Table, bars, chart, render

_FEW = 100
_LATENCY_COLUMNS = ("p50", "p90", "p95", "p99", "p99.9", "max")


def html(report: LoadReport) -> str:
    """The report as a page that needs nothing else."""
    return render(
        Page(
            title=f"Load test of {report.target.url}{report.target.route}",
            headline=headline(report),
            facts=tuple(_facts(report)),
            sections=tuple(_sections(report)),
            made_by=f"goldcrest {report.client.version}, {report.began_at}",
        )
    )


def headline(report: LoadReport) -> str:
    """The one thing that a test says."""
    found, slo = report.found, report.slo
    if found is not None and slo is not None:
        if not found.rate:
            return f"No rate that was tried is sure to keep {slo.text}."
        least = "" if report.is_bounded else "At least "
        return f"{least}{found.rate:.4g} requests a second within {slo.text}."
    if not report.shown:
        return "No step counts: see the steps below."
    best = max(report.shown, key=lambda step: step.rate)
    if not any(step.answered for step in report.shown):
        return "No request was answered: see the errors below."
    said = f"{best.rate:.4g} answers a second at most, p99 {milliseconds(best.latency.p99)} then"
    if slo is None:
        return f"{said}."
    n_held = sum(step.is_within is True for step in report.shown)
    return f"{said}; {n_held} of {len(report.shown)} steps kept {slo.text}."


def _facts(report: LoadReport) -> Iterator[tuple[str, str]]:
    if report.found is not None:
        yield "How sure", f"{report.found.sureness:.0%}"
        broke = report.found.broke_at
        yield "Broke at", f"{broke:.4g}/s" if broke else "not found"
    profile = report.profile
    yield "Texts", f"{profile.name}, {profile.mean_tokens:.0f} tokens on average"
    yield "Requests sent", f"{sum(step.sent for step in report.steps):,}"
    failed = sum(step.n_errors for step in report.shown)
    refused = sum(step.refused for step in report.shown)
    yield "Errors, refusals", f"{failed:,}, {refused:,}"
    if report.server is not None and report.server.machine.processor:
        yield "Server's processor", machine_of(report.server.machine)


def _sections(report: LoadReport) -> Iterator[Section]:
    yield _rates(report)
    yield _steps(report)
    if any(step.by_class for step in report.steps):
        yield _classes(report)
    yield _distributions(report)
    if any(step.n_errors or step.refused for step in report.steps):
        yield _failures(report)
    if report.server is not None:
        yield _server(report, report.server)
    yield _sent(report)
    if report.command:
        yield Section("To repeat it", code=shlex.join(report.command))


def _rates(report: LoadReport) -> Section:
    warnings = [] if report.is_complete else ["It was ended early: what is shown is what was seen."]
    text = list(_counted(report))
    if report.found is not None:
        text.insert(0, f"{report.found.note[0].upper()}{report.found.note[1:]}.")
    figures = [Figure(chart(drawing.latencies(report)))] if report.shown else []
    return Section("Latency over rate", text=text, figures=figures, warnings=warnings)


def _counted(report: LoadReport) -> Iterator[str]:
    """How latencies were counted: what they hide is said here."""
    modes = {step.mode for step in report.shown}
    if modes - {"closed"}:
        yield "Latencies count from when a request was meant to leave, so a stall shows in full."
    if "closed" in modes:
        yield (
            "In a closed loop a client that waits sends nothing, so a stall delays few requests and "
            "high quantiles flatter: for latencies, give a rate."
        )
    if any(step.n_errors or step.refused for step in report.shown):
        yield "They are those of good answers alone; errors and refusals are counted beside them."
    few = [name_of(step) for step in report.shown if 0 < step.answered < _FEW]
    if few:
        yield f"Fewer than {_FEW} answers, so that p99 is the slowest of them: {', '.join(few)}."


def _steps(report: LoadReport) -> Section:
    heads = ("step", "asked", "sent", "answers/s", *_LATENCY_COLUMNS, "errors", "refused")
    rows, bad = [], set()
    for number, step in enumerate(report.steps):
        if step.is_within is False or step.problem:
            bad.add(number)
        rows.append(
            (
                step.kind,
                f"{step.clients} clients" if step.clients else f"{step.asked_rate:.4g}/s",
                f"{step.sent:,}",
                f"{step.rate:.1f}",
                *(f"{latency_of(step.latency, name):.1f}" for name in _LATENCY_COLUMNS),
                f"{step.n_errors:,}",
                f"{step.refused:,}",
            )
        )
    warnings = [f"{name_of(step)}: {step.problem}." for step in report.steps if step.problem]
    note = "Latencies in ms." + (f" Red: {_red(report)}." if bad else "")
    return Section(
        "Steps", text=[note], tables=[Table(heads, rows, frozenset(bad))], warnings=warnings
    )


def _red(report: LoadReport) -> str:
    said = ["the objective was not met"] if report.slo else []
    said += ["the step does not count"] if any(step.problem for step in report.steps) else []
    return ", or ".join(said)


def _classes(report: LoadReport) -> Section:
    heads = ("step", "class", "sent", "answered", *_LATENCY_COLUMNS, "errors", "refused")
    rows = [
        (
            name_of(step),
            name,
            f"{one.sent:,}",
            f"{one.answered:,}",
            *(f"{latency_of(one.latency, column):.1f}" for column in _LATENCY_COLUMNS),
            f"{one.errors:,}",
            f"{one.refused:,}",
        )
        for step in report.shown
        for name, one in step.by_class.items()
    ]
    return Section(
        "Classes", figures=[Figure(chart(drawing.classes(report)))], tables=[Table(heads, rows)]
    )


def _distributions(report: LoadReport) -> Section:
    shown = spread(sorted(report.shown, key=rate_of), 6)
    figures = [
        Figure(
            chart(drawing.distributions(shown)), "Share of the answers that took at most so long."
        )
    ]
    figures += [
        Figure(bars(drawing.histogram(step)), f"{name_of(step)}: answers by latency.")
        for step in shown
    ]
    if any(step.kind == "spike" or len(step.timeline) >= 20 for step in shown):
        figures += [Figure(chart(drawing.over_time(step))) for step in shown]
    return Section("Distribution of latencies", figures=figures if shown else ())


def _failures(report: LoadReport) -> Section:
    kinds = sorted({kind for step in report.steps for kind in step.errors})
    heads = ("step", "refused", "refused within, p99 ms", *kinds)
    rows = [
        (
            name_of(step),
            f"{step.refused:,}",
            f"{step.refusal_ms.p99:.1f}" if step.refusal_ms else "",
            *(f"{step.errors.get(kind, 0):,}" for kind in kinds),
        )
        for step in report.steps
        if step.n_errors or step.refused
    ]
    text = ["Refused: 429, or 503 with Retry-After: the server kept itself able to answer others."]
    return Section("Errors and refusals", text=text, tables=[Table(heads, rows)])


def _server(report: LoadReport, server: Server) -> Section:
    has_counts = any(step.server is not None for step in report.shown)
    return Section(
        "The server",
        facts=tuple(_server_facts(server)),
        figures=[Figure(chart(drawing.busy(report)))] if has_counts else (),
        tables=tuple(_server_tables(report, server)),
        warnings=server.constraint.caveats if server.constraint else (),
        text=() if server.name else ("It has no metrics that are known here.",),
    )


def _server_facts(server: Server) -> Iterator[tuple[str, str]]:
    if server.name:
        yield "Server", f"{server.name} {server.version}".strip()
    if server.machine.processor:
        yield "Processor", machine_of(server.machine)
        yield "Features", ", ".join(server.machine.features)
    if server.resident_bytes:
        yield "Resident memory", f"{server.resident_bytes / 2**20:.0f} MiB"
    if server.outside_cpu_s_per_request:
        yield "Outside the engine", f"{server.outside_cpu_s_per_request * 1e6:.0f} µs a request"
    if server.constraint and server.constraint.means:
        wanted = [f"{server.constraint.cpus:g} cores"] if server.constraint.cpus else []
        wanted += [f"{server.constraint.memory_mib} MiB"] if server.constraint.memory_mib else []
        yield "Held to", f"{', '.join(wanted)}, by {'; '.join(server.constraint.means)}"
    yield from server.settings.items()


def _server_tables(report: LoadReport, server: Server) -> Iterator[Table]:
    rows = [
        (
            name_of(step),
            f"{step.server.busy_share:.0%}",
            f"{step.server.n_tokens / step.server.n_slots:.0%}" if step.server.n_slots else "",
            f"{step.server.n_requests / max(1, step.server.n_batches):.1f}",
            f"{step.server.n_cache_hits:,}",
            f"{step.server.resident_bytes / 2**20:.0f}",
        )
        for step in report.shown
        if step.server is not None
    ]
    if rows:
        heads = ("step", "engine busy", "fill", "requests a grid", "cache hits", "MiB")
        yield Table(heads, rows)
    for lane in server.lanes:
        costs = sorted(lane.costs.items(), key=lambda cost: cost[1])
        if costs:
            yield Table(
                (f"{lane.lane}: shape", "ms"), [(shape, f"{s * 1e3:.2f}") for shape, s in costs]
            )


def _sent(report: LoadReport) -> Section:
    profile = report.profile
    facts = [
        ("Profile", profile.name),
        ("Tokens", f"{profile.mean_tokens:.1f} on average"),
        ("Characters", f"{profile.mean_characters:.0f} on average"),
        ("Texts a request", str(profile.texts_per_request)),
        ("Sent before", f"{profile.repeats:.0%} of the texts"),
        ("Protocol", f"{report.target.protocol}, {report.target.route}"),
        ("Client", f"{report.client.n_processes} processes, {machine_of(report.client.machine)}"),
    ]
    if profile.classes:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in profile.classes.items())
        facts.append(("Classes", shares))
    text = list(report.notes)
    if report.slo is not None:
        text += [in_full(report.slo)]
    return Section("What was sent", facts=facts, text=text)
