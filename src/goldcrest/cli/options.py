"""How a command is made of a class of options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from inspect import Parameter, Signature
from typing import Any, TypeVar, get_type_hints

T = TypeVar("T")


def taking(kind: type[T], act: Callable[[T], None]) -> Callable[..., None]:
    """Make a command of what is done with its options; its help is the docstring.

    Args:
        kind: a frozen dataclass whose fields are annotated as typer has it.
        act: what is done.
    """
    types = get_type_hints(kind, include_extras=True)

    def command(**given: object) -> None:
        act(kind(**given))

    command.__doc__ = act.__doc__
    command.__annotations__ = {**types, "return": None}
    command.__signature__ = Signature(  # type: ignore[attr-defined]  # typer reads it
        [_parameter(field, types[field.name]) for field in fields(kind)]  # type: ignore[arg-type]
    )
    return command


def _parameter(field: Field[Any], annotation: object) -> Parameter:
    return Parameter(
        field.name,
        Parameter.KEYWORD_ONLY,
        default=Parameter.empty if field.default is MISSING else field.default,
        annotation=annotation,
    )
