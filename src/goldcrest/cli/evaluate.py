"""``goldcrest evaluate``: how good a model is on labelled texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from goldcrest.cli.counting import counting
from goldcrest.cli.given import Assignments, MaxLength, Precision, Settings, settings
from goldcrest.cli.steps import steps
from goldcrest.errors import ConfigError, NoVariant

if TYPE_CHECKING:
    from goldcrest.app.library import Model
    from goldcrest.config import Loaded
    from goldcrest.evaluate import MetricName, Quality, TextSet

_REFERENCE: Final = "f32"
"""The precision that texts without labels are compared with."""


def evaluate(  # noqa: PLR0913  # typer reads the options from the parameters
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A folder, a built-in name or a Hub id.")
    ],
    *,
    data: Annotated[
        Path,
        typer.Option(
            "--data", metavar="FILE", help="JSON lines, CSV or TSV; else a text per line."
        ),
    ],
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric",
            metavar="NAME",
            help="accuracy, f1, spearman, exact, entity_f1, agreement or cosine (both with f32); "
            "what fits the model and the labels where none is named.",
        ),
    ] = None,
    text: Annotated[
        str, typer.Option("--text", metavar="FIELD", help="The field with the text.")
    ] = "text",
    second: Annotated[
        str, typer.Option("--second", metavar="FIELD", help="The one with a pair's second text.")
    ] = "text_pair",
    label: Annotated[
        str, typer.Option("--label", metavar="FIELD", help="The one with the label.")
    ] = "label",
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="Only the first N rows.")
    ] = None,
    precision: Precision = None,
    max_length: MaxLength = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
    config: Settings = None,
    assignments: Assignments = None,
) -> None:
    """Measure the quality of a model on a set of texts, with its 95 % interval."""
    from goldcrest.evaluate import read_set

    loaded = settings(config, {"engine.precision": precision}, assignments or ())
    chosen = _metric(metric)
    found = read_set(data, text=text, second=second, label=label, limit=limit)
    opening = _Opening(model, loaded, max_length or 0)
    with opening.model() as opened:
        quality, reference = _measured(opening, opened, found, chosen)
        told = _Told(
            model=model,
            precision=opened.precision,
            max_length=opened.max_length,
            data=str(data),
            metric=quality.metric,
            reference=reference,
            value=quality.value,
            low=quality.low,
            high=quality.high,
            n_rows=quality.n_rows,
            n_truncated=quality.n_truncated,
        )
    typer.echo(msgspec.json.encode(told) if as_json else _sentence(told))


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    """What is printed as JSON."""

    model: str
    precision: str
    max_length: int
    data: str
    metric: str
    reference: str
    value: float
    low: float
    high: float
    n_rows: int
    n_truncated: int


class _Opening:
    """Opens the model that is measured, and the one that it is compared with."""

    def __init__(self, source: str, loaded: Loaded, max_length: int) -> None:
        self._source, self._loaded, self._max_length = source, loaded, max_length

    def model(self, *, at_f32: bool = False) -> Model:
        from goldcrest.app.library import load

        config = self._loaded.config
        with steps() as progress:
            return load(
                self._source,
                config,
                precision=_REFERENCE if at_f32 else config.engine.precision,
                max_length=self._max_length,
                progress=progress,
            )


def _metric(name: str | None) -> MetricName | None:
    from goldcrest.evaluate import METRICS

    if name is None:
        return None
    for metric in METRICS:
        if metric == name:
            return metric
    raise ConfigError(f"--metric {name!r} is not known; there are: {', '.join(METRICS)}")


def _measured(
    opening: _Opening, opened: Model, data: TextSet, metric: MetricName | None
) -> tuple[Quality, str]:
    """The quality, and what it is relative to, if it is: that is measured first."""
    from goldcrest.evaluate import evaluate as measure
    from goldcrest.evaluate import is_relative, metric_for

    chosen = metric or metric_for(opened.task, data, opened.labels, opened.problem_type)
    if not is_relative(chosen, data):
        with counting(chosen) as progress:
            return measure(opened, data, chosen, progress=progress), ""
    try:
        with opening.model(at_f32=True) as other, counting(_REFERENCE) as progress:
            reference = measure(other, data, chosen, progress=progress)
    except NoVariant as error:
        raise ConfigError(
            f"{data.name} has no labels that fit, so {chosen} with the same model at f32 would be "
            f"measured; but {error}"
        ) from error
    with counting(chosen) as progress:
        return measure(opened, data, chosen, reference=reference, progress=progress), _REFERENCE


def _sentence(told: _Told) -> str:
    interval = f"95 %: {told.low:.4f} to {told.high:.4f}"
    metric = f"{told.metric} with {told.reference}" if told.reference else told.metric
    lines = [
        f"{metric} {told.value:.4f} ({interval}), {told.n_rows} rows of {told.data}",
        f"{told.model} at {told.precision}, at most {told.max_length} tokens per text",
    ]
    if told.n_truncated:
        lines.append(f"{told.n_truncated} texts were longer and lost their end")
    return "\n".join(lines)
