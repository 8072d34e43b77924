"""``goldcrest plan``: what a load needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldcrest.errors import ConfigError

if TYPE_CHECKING:
    from goldcrest.loadtest.plan import CapacityPlan
    from goldcrest.loadtest.result import LoadReport
    from goldcrest.loadtest.sizing import Wanted


class Yaml(StrEnum):
    """Autoscalers whose triggers can be printed."""

    HPA = "hpa"
    KEDA = "keda"


From = Annotated[
    list[Path],
    typer.Option(
        "--from", metavar="REPORT", help="JSON of goldcrest loadtest; again for another size."
    ),
]
Rate = Annotated[
    float | None,
    typer.Option("--rate", metavar="R", help="Requests a second; else the day's highest.", min=0),
]
Slo = Annotated[
    str, typer.Option("--slo", metavar="TERMS", help="Objective, as p99<50ms,errors<0.1%.")
]
Price = Annotated[
    list[float] | None,
    typer.Option("--price", metavar="P", help="Of a replica's hour; again for each REPORT.", min=0),
]
Peak = Annotated[
    float, typer.Option("--peak", metavar="X", help="Bursts reach X times the rate.", min=1)
]
Spare = Annotated[
    int, typer.Option("--spare", metavar="N", help="Replicas that may be lost.", min=0, max=1000)
]
Day = Annotated[
    str | None,
    typer.Option(
        "--day",
        metavar="FILE|usual",
        help="Rates over a day, one a line, for the replay; usual: quiet nights.",
    ),
]
Sample = Annotated[
    int,
    typer.Option("--sample", metavar="N", help="Requests to simulate at each rate.", min=200),
]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write an HTML report there.")
]
_DAY_S = 86_400.0


def plan(  # noqa: PLR0913  # typer reads the options from the parameters
    from_: From,
    *,
    slo: Slo,
    rate: Rate = None,
    price: Price = None,
    peak: Peak = 1.2,
    spare: Spare = 1,
    day: Day = None,
    sample: Sample = 4000,
    yaml: Annotated[
        Yaml | None, typer.Option("--yaml", help="Print the triggers of an autoscaler instead.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
    out: Out = None,
) -> None:
    """Say how many replicas a load needs, of which size, and how to scale them."""
    from goldcrest.loadtest.objective import read_slo
    from goldcrest.loadtest.plan import Wish, make

    reports = _reports(from_)
    rates = _rates(day, rate)
    wanted = _wanted(reports, rate or max(rates, default=0.0), rates, peak=peak, spare=spare)
    wish = Wish(
        wanted,
        read_slo(slo),
        tuple(price or (0.17,)),
        day=tuple(rates),
        step_s=_DAY_S / max(1, len(rates)),
        n=sample,
    )
    made = make(reports, wish)
    if out is not None:
        _write(made, out)
    _print(made, yaml, as_json=as_json)


def _reports(files: list[Path]) -> dict[str, LoadReport]:
    from goldcrest.loadtest.result import read

    names = [file.stem for file in files]
    labels = names if len(set(names)) == len(names) else [str(file) for file in files]
    return {label: read(file) for label, file in zip(labels, files, strict=True)}


def _rates(day: str | None, rate: float | None) -> list[float]:
    """The rates of the day; none where the load stays."""
    from goldcrest.loadtest.day import read_day, usual_day

    if day is None:
        return []
    if day != "usual":
        return read_day(Path(day))
    if not rate:
        raise ConfigError("--day usual needs --rate, the highest of that day")
    return usual_day(rate)


def _wanted(
    reports: Mapping[str, LoadReport],
    rate: float,
    rates: Sequence[float],
    *,
    peak: float,
    spare: int,
) -> Wanted:
    from goldcrest.loadtest.sizing import Wanted

    if not rate:
        raise ConfigError("give --rate, or --day with a file of rates")
    return Wanted(
        rate=rate,
        peak=peak,
        spare=spare,
        texts_per_request=next(iter(reports.values())).profile.texts_per_request,
        mean_rate=sum(rates) / len(rates) if rates else None,
    )


def _print(made: CapacityPlan, yaml: Yaml | None, *, as_json: bool) -> None:
    import textwrap

    import msgspec

    from goldcrest.cli.table import aligned
    from goldcrest.loadtest.planned import HEADS, paragraph, rows
    from goldcrest.loadtest.triggers import triggers

    if as_json:
        typer.echo(msgspec.json.encode(made))
    elif yaml is not None:
        typer.echo(triggers(yaml.value, made.scaling), nl=False)
    else:
        typer.echo(aligned([HEADS, *rows(made)]))
        typer.echo()
        typer.echo(textwrap.fill(paragraph(made), width=96))


def _write(made: CapacityPlan, out: Path) -> None:
    from importlib.metadata import version

    from goldcrest.loadtest.planned import html

    try:
        out.write_text(html(made, made_by=f"goldcrest {version('goldcrest')}"), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"the report {out} cannot be written: {error.strerror}") from error
