"""The options of ``goldcrest distill``: its own, and one for each key of a stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import msgspec
import typer

from goldcrest.distill.config import Stage


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says.

    Attributes:
        stage: the keys of a stage that were given.
    """

    out: Path
    config: Path | None = None
    only: str | None = None
    variables: tuple[str, ...] = ()
    resume: bool = False
    stage: dict[str, Any] = field(default_factory=dict)


_OWN: dict[str, tuple[Any, Any]] = {
    "out": (
        Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="For the result.")],
        Parameter.empty,
    ),
    "config": (
        Annotated[
            Path | None,
            typer.Option("--config", metavar="FILE", help="A recipe; other options overrule it."),
        ],
        None,
    ),
    "only": (
        Annotated[
            str | None, typer.Option("--stage", metavar="NAME", help="Of the recipe, that alone.")
        ],
        None,
    ),
    "variables": (
        Annotated[
            list[str] | None,
            typer.Option("--set", metavar="NAME=VALUE", help="What ${NAME} is in the recipe."),
        ],
        None,
    ),
    "resume": (
        Annotated[
            bool,
            typer.Option("--resume", help="Go on where a run ended; pass over finished stages."),
        ],
        False,
    ),
}


def taking_stage(act: Callable[[Options], None]) -> Callable[..., None]:
    """Make a command of what is done with the options; its help is the docstring."""
    fields = {field.name: field for field in msgspec.structs.fields(Stage)}
    kinds = {name: kind for name, (kind, _) in _OWN.items()}
    kinds |= {name: _option(name, one.type) for name, one in fields.items()}

    def command(**given: Any) -> None:
        stage = {n: given[n] for n in fields if given[n] is not None and given[n] != []}
        own = {name: given[name] for name in _OWN}
        act(Options(**{**own, "variables": tuple(own["variables"] or ())}, stage=stage))

    command.__doc__ = act.__doc__
    command.__annotations__ = {**kinds, "return": None}
    command.__signature__ = Signature(  # type: ignore[attr-defined]  # typer reads it
        [
            Parameter(
                name,
                Parameter.KEYWORD_ONLY,
                default=_OWN[name][1] if name in _OWN else None,
                annotation=kind,
            )
            for name, kind in kinds.items()
        ]
    )
    return command


def _option(name: str, kind: Any) -> Any:
    """A key as an option that may be left out; its bounds are checked with the whole stage."""
    plain, metas = _taken_apart(kind)
    said = next(meta.description for meta in metas if meta.description)
    flag = "--" + name.replace("_", "-")
    text = f"{said[0].upper()}{said[1:]}."
    if plain is bool:
        return Annotated[bool | None, typer.Option(f"{flag}/--no-{flag[2:]}", help=text)]
    metavar = {int: "N", float: "X"}.get(plain, "TEXT")
    if get_origin(plain) is tuple:
        return Annotated[list[str] | None, typer.Option(flag, metavar="TEXT", help=text)]
    scalar = plain if plain in (int, float) else str
    return Annotated[scalar | None, typer.Option(flag, metavar=metavar, help=text)]


def _taken_apart(kind: Any) -> tuple[Any, list[msgspec.Meta]]:
    """A type without its bounds, and all that is said of it."""
    metas: list[msgspec.Meta] = []
    while get_origin(kind) is Annotated:
        kind, *said = get_args(kind)
        metas += said
    options = [part for part in get_args(kind) if part is not type(None)]
    if type(None) in get_args(kind) and len(options) == 1:
        inner, more = _taken_apart(options[0])
        return inner, metas + more
    return kind, metas
