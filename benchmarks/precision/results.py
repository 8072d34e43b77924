"""The results as Markdown, and as JSON to be read again by the next run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from benchmarks.machine import Machine
from benchmarks.markdown import Row, table
from benchmarks.precision.limits import LIMITS, Standing
from goldcrest.optimize.result import Report, Tried
from goldcrest.optimize.told import loss_of

FEATURES = {
    "AVX-512 with VNNI": "as servers before bf16 and AMX",
    "AVX-512": "as the first servers with AVX-512",
    "AVX2 with VNNI": "as recent desktops",
    "AVX2": "as servers and desktops before all these",
}


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """On which machine something was measured, and how busy others were when it began."""

    machine: Machine
    began_at: str
    load: float


class Speed(msgspec.Struct, frozen=True, kw_only=True):
    """Throughput under each limit."""

    conditions: Conditions
    standings: tuple[Standing, ...]


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """Reports by task."""

    conditions: Conditions
    reports: Mapping[str, Report]


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """Both parts; each is kept until it is measured again."""

    speed: Speed | None = None
    quality: Quality | None = None


def kept(file: Path) -> Results:
    """What earlier runs found."""
    return msgspec.json.decode(file.read_bytes(), type=Results) if file.is_file() else Results()


def joined(before: Speed | None, found: Sequence[Standing], began: Conditions) -> Speed:
    """What was found now, and of the limits that were not measured now what was found before."""
    if before is None:
        return Speed(standings=tuple(found), conditions=began)
    fresh = {one.limit for one in found}
    older = [one for one in before.standings if one.limit not in fresh]
    order = [limit.name for limit in LIMITS]
    standings = sorted([*older, *found], key=lambda one: order.index(one.limit))
    return Speed(standings=tuple(standings), conditions=before.conditions if older else began)


def write(results: Results, folder: Path) -> None:
    """Write precision.json and precision.md."""
    encoded = msgspec.json.format(msgspec.json.encode(results), indent=2)
    (folder / "precision.json").write_bytes(encoded + b"\n")
    (folder / "precision.md").write_text(markdown(results), encoding="utf-8")


def markdown(results: Results) -> str:
    """Everything, for people."""
    parts = ["# Precision: INT8 and its rivals"]
    if results.speed is not None:
        parts += _speed(results.speed)
    if results.quality is not None:
        parts += _quality(results.quality)
    return "\n\n".join(parts) + "\n"


def _conditions(began: Conditions) -> str:
    machine = began.machine
    return (
        f"{began.began_at}; {machine.cores} cores of {machine.processor} "
        f"({', '.join(machine.features)}); {machine.memory_gib:g} GiB; {machine.system}. "
        f"Work that waited for a core when it began: {began.load:.1f} on average of a minute."
    )


def _speed(speed: Speed) -> list[str]:
    header = ["oneDNN held to", "candidate", "texts/s", "rounds", "tokens/s", "alone, ms"]
    header += ["of f32, backlog", "of f32, alone", "MiB", "start, s"]
    amx = (
        ""
        if any(feature.startswith("amx") for feature in speed.conditions.machine.features)
        else " This processor has no AMX, so nothing here says how INT8 does with it."
    )
    return [
        "## Throughput by instruction set",
        _conditions(speed.conditions),
        (
            "DistilBERT-base's shape (6 layers of 768), random weights, 256 texts of log-normal "
            "lengths, mean 29 tokens. All run as a backlog, packed into the grids that suit the "
            "candidate best; a text alone is the median over lengths. Every candidate is a process of "
            "its own, those of one limit take turns, figures are medians of rounds. Lesser "
            "processors are imitated by `ONEDNN_MAX_CPU_ISA`: their instructions, not their caches "
            "or clocks. Without VNNI the weights of int8-weights are widened before they are "
            f"multiplied. bf16 is left out where it would be emulated.{amx}"
        ),
        table(header, [_standing(one, speed.standings) for one in speed.standings]),
        "\n".join(f"- {name}: {what}." for name, what in FEATURES.items()),
    ]


def _standing(one: Standing, among: Sequence[Standing]) -> Row:
    plain = next(other for other in among if (other.limit, other.name) == (one.limit, "f32+f32"))
    if one.pace is None or plain.pace is None:
        return [one.limit, one.name, one.problem.split("\n")[0], *["-"] * 7]
    return [
        one.limit,
        one.name,
        f"{one.pace.texts_per_s:.0f}",
        f"{one.pace.least_texts_per_s:.0f}-{one.pace.most_texts_per_s:.0f}",
        f"{one.pace.tokens_per_s:.0f}",
        f"{one.pace.lone_ms:.1f}",
        f"{one.pace.texts_per_s / plain.pace.texts_per_s:.2f}x",
        f"{plain.pace.lone_ms / one.pace.lone_ms:.2f}x",
        f"{one.grown_bytes / 2**20:.0f}",
        f"{one.start_s:.1f}",
    ]


def _quality(quality: Quality) -> list[str]:
    header = ["task", "candidate", "metric", "quality", "lost, points (95 %)", "rows", "verdict"]
    header += ["texts/s", "alone, ms"]
    rows = [
        _judged(task, report, one)
        for task, report in quality.reports.items()
        for one in report.tried
    ]
    return [
        "## What it costs in quality",
        _conditions(quality.conditions),
        (
            "Trained weights; `goldcrest optimize` with a limit of half a point, calibrated on training "
            "texts, judged on rows that were held back. Loss is paired on the same rows. Sentiment: "
            "everything that the recipe of the built-in model holds back. Intents: the test set of "
            "clinc150. Embedders: pairs of its test texts, graded 2 (one intent), 1 (one domain) "
            "or 0, a third each, by the rank correlation of their cosines with the grades."
        ),
        table(header, rows),
        "\n".join(f"- {task}: {_made(report)}" for task, report in quality.reports.items()),
    ]


def _judged(task: str, report: Report, one: Tried) -> Row:
    return [
        task,
        one.name,
        report.metric,
        "-" if one.value is None else f"{one.value:.4f}",
        loss_of(one) or "-",
        f"{report.texts.n_held_back:,}",
        one.verdict,
        f"{one.pace.texts_per_s:.0f}" if one.pace else "-",
        f"{one.pace.lone_ms:.1f}" if one.pace else "-",
    ]


def _made(report: Report) -> str:
    errors = ", ".join(
        f"{one.scheme} {one.error:.3f}" for one in report.schemes if one.error is not None
    )
    return (
        f"measured {report.began_at}, INT8 by {report.scheme or 'nothing'}; error of outputs by "
        f"scheme: {errors}. The fastest that passed: {report.fastest}."
    )
