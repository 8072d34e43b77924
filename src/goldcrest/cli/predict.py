"""``goldcrest predict``: a model on texts of the command line or of standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import count, islice
from typing import Annotated, Any

import msgspec
import typer

from goldcrest.cli.given import Assignments, MaxLength, Precision, Settings, settings
from goldcrest.cli.steps import steps
from goldcrest.errors import ConfigError, InvalidRequest

_N_TOGETHER = 256
"""Items that are read before they are answered; the model packs them together."""


def predict(  # noqa: PLR0913  # typer reads the options from the parameters
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A folder, a built-in name or a Hub id.")
    ],
    texts: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help="Texts; none, or -, reads lines from input."),
    ] = None,
    *,
    task: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="classify, zero_shot, rerank, embed, similarity (of the first text with each of "
            "the others), states, tokens, span or fill; the model's own where none is named.",
        ),
    ] = "",
    labels: Annotated[
        str, typer.Option(metavar="A,B", help="Candidates for zero-shot classification.")
    ] = "",
    pair: Annotated[
        bool,
        typer.Option(
            "--pair",
            help="Items are pairs, as they always are for rerank and span: two TEXTs each, or a "
            "line with a tab in between.",
        ),
    ] = False,
    top_k: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Labels, passages or fillings per item."),
    ] = None,
    aggregation: Annotated[
        str,
        typer.Option(metavar="NAME", help="Groups of tokens: none, simple, first, average or max."),
    ] = "none",
    precision: Precision = None,
    max_length: MaxLength = None,
    config: Settings = None,
    assignments: Assignments = None,
) -> None:
    """Answer texts, one line of JSON for each, without a server."""
    loaded = settings(config, {"engine.precision": precision}, assignments or ())
    from goldcrest.app.library import load
    from goldcrest.cli.answers import PAIRED, Wish, answers, task_of

    wish = Wish(task, _names(labels), top_k, aggregation)
    with steps() as progress:
        opened = load(
            model,
            loaded.config,
            precision=loaded.config.engine.precision,
            max_length=max_length or 0,
            progress=progress,
        )
    with opened:
        name = task_of(opened, wish)
        items = _items(texts or (), in_pairs=pair or name in PAIRED)
        source = list(islice(items, 1)) if name == "similarity" else []
        for batch in _batches(items, source):
            for answer in answers(opened, name, batch, wish):
                typer.echo(msgspec.json.encode(answer))


def _names(labels: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in labels.split(",") if name.strip())


def _items(texts: Sequence[str], *, in_pairs: bool) -> Iterator[Any]:
    """Texts, or pairs of them, from the command line or from standard input.

    Raises:
        ConfigError: a TEXT has no other to make a pair with.
        InvalidRequest: a line has no tab.
    """
    if not texts or list(texts) == ["-"]:
        lines = (line.rstrip("\r\n") for line in sys.stdin)
        return map(_split, lines, count(1)) if in_pairs else lines
    if not in_pairs:
        return iter(texts)
    if len(texts) % 2:
        raise ConfigError(f"{len(texts)} TEXTs do not make pairs; give two for each")
    return iter(list(zip(texts[::2], texts[1::2], strict=True)))


def _split(line: str, number: int) -> tuple[str, str]:
    first, tab, second = line.partition("\t")
    if not tab:
        raise InvalidRequest(f"line {number} has no tab between the two texts of a pair")
    return first, second


def _batches(items: Iterator[Any], source: Sequence[Any]) -> Iterator[list[Any]]:
    """Items together; before those of each batch the source that they are compared with."""
    batch = [*source, *islice(items, _N_TOGETHER)]
    while batch:
        yield batch
        more = list(islice(items, _N_TOGETHER))
        batch = [*source, *more] if more else []
