"""The report as a page, as JSON, and as Markdown."""

from __future__ import annotations

from pathlib import Path

from benchmarks.markdown import table as markdown
from benchmarks.reports.claims import NOT_JUDGED, Claim, claims, less, percent, times
from benchmarks.reports.making import shapes
from goldcrest.compare.page import html, machine_of, noise, row
from goldcrest.compare.page import table as figures
from goldcrest.compare.result import Comparison, write
from goldcrest.report import Section, Table

TITLE = "Eight well-known encoders by their shapes"
NAME = "encoders"
WEIGHTS = (
    "The models have the sizes of the well-known ones and random weights. Speed, memory and size do "
    "not depend on the weights; quality does, and is no part of this report."
)

_WHOLE = (
    f"The whole of it, with charts: [{NAME}.html]({NAME}.html), to be opened from disk; for "
    f"programs: [{NAME}.json]({NAME}.json)."
)
_REPEAT = (
    "It compiles the models first and keeps them in `.bench/reports`. Leave the machine alone "
    "meanwhile."
)


def write_all(seen: Comparison, folder: Path) -> list[Path]:
    """Write the page, the JSON and the Markdown; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    page, data, readme = folder / f"{NAME}.html", folder / f"{NAME}.json", folder / "README.md"
    judged = claims(seen)
    page.write_text(
        html(seen, title=TITLE, headline=headline(seen), more=sections(judged)), encoding="utf-8"
    )
    write(seen, data)
    readme.write_text(readme_of(seen, judged), encoding="utf-8")
    return [page, data, readme]


def headline(seen: Comparison) -> str:
    """What became of the guide's first claim, where both models were measured."""
    try:
        one, base = seen.named("distilbert:f32"), seen.named("bert-base:f32")
    except KeyError:
        return f"{len(seen.measured)} contenders"
    return (
        f"DistilBERT has {percent(less(one.n_parameters, base.n_parameters))} fewer parameters than "
        f"BERT-base, takes {percent(less(one.resident_bytes, base.resident_bytes))} less memory, and "
        f"answers {times(one.texts_per_s / base.texts_per_s)} as many texts."
    )


def sections(judged: list[Claim]) -> tuple[Section, ...]:
    """What the guide claims, and the models' sizes."""
    rows = [(claim.about, claim.claimed, claim.measured) for claim in judged]
    told = [f"{claim.about}: {claim.verdict}" for claim in judged]
    kinds = [(name, shape.about) for name, shape in shapes().items()]
    return (
        Section(
            "The guide's claims beside these figures",
            text=[WEIGHTS, *told, NOT_JUDGED],
            tables=[Table(("claim", "claimed", "measured here"), rows)],
        ),
        Section("The models", tables=[Table(("name", "shape"), kinds)]),
    )


def readme_of(seen: Comparison, judged: list[Claim]) -> str:
    """The same for those who read the repository."""
    claimed = ([one.about, one.claimed, one.measured, one.verdict] for one in judged)
    parts = [
        "<!-- Written by `python -m benchmarks.reports`. -->",
        f"# {TITLE}",
        headline(seen),
        WEIGHTS,
        _where(seen),
        _WHOLE,
        *noise(seen),
        markdown(list(figures(seen).heads), (list(row(one)) for one in seen.measured)),
        "## The guide's claims",
        markdown(["claim", "claimed", "measured here", "verdict"], claimed),
        NOT_JUDGED,
        "## To repeat it",
        "```console\n$ python -m benchmarks.reports\n```",
        _REPEAT,
    ]
    return "\n\n".join(parts) + "\n"


def _where(seen: Comparison) -> str:
    return (
        f"Measured by Goldcrest {seen.version} on {machine_of(seen.machine)}, {seen.began_at}; "
        f"{seen.n_rounds} round{'s' * (seen.n_rounds != 1)}, medians. Texts: {seen.texts.name}, "
        f"{seen.texts.mean_characters:.0f} characters on average."
    )
