"""What the command line gives: the options that several commands share, and their meaning."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from goldcrest.config import Loaded, load
from goldcrest.errors import ConfigError

Models = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="MODEL",
        help="A folder, a built-in name or a Hub id; several are served side by side.",
        show_default="sentiment",
    ),
]
Names = Annotated[
    list[str] | None,
    typer.Option(
        "--name",
        metavar="NAME",
        help="Serve the first MODEL under this name; again for the second.",
    ),
]
Host = Annotated[str | None, typer.Option("--host", metavar="HOST", help="Address to listen on.")]
Port = Annotated[
    int | None, typer.Option("--port", metavar="PORT", help="Port; 0 takes any free one.")
]
Precision = Annotated[
    str | None,
    typer.Option(
        "--precision",
        metavar="NAME",
        help="auto, f32, bf16, f16, int8 or int8-weights; auto measures.",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads", metavar="N", help="Engine threads; 0 means what the process may use."
    ),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", metavar="N", help="Processes that serve on the port."),
]
MaxLength = Annotated[
    int | None,
    typer.Option(
        "--max-length", metavar="N", min=0, help="Tokens per text; 0 means the model's limit."
    ),
]
Settings = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="A TOML file; or set GOLDCREST_CONFIG."),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any setting, as in --set web.drain_s=5."),
]


def settings(file: Path | None, flags: Mapping[str, Any], assignments: Sequence[str]) -> Loaded:
    """Load the settings in force.

    Raises:
        ConfigError: something that was given is not valid.
    """
    assigned = dict(_assignment(text) for text in assignments)
    given = {key: value for key, value in flags.items() if value is not None}
    return load({**assigned, **given}, environ=os.environ, file=file)


def _assignment(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"--set {text!r} is not valid; write it as KEY=VALUE")
    return key.strip(), value.strip()


def model_entries(
    sources: Sequence[str], names: Sequence[str], max_length: int | None
) -> list[dict[str, Any]] | None:
    """Pair sources with names; None where no source was given.

    Raises:
        ConfigError: there are names or lengths without a model to go with.
    """
    if len(names) > len(sources):
        raise ConfigError(
            f"--name was given {len(names)} times for {len(sources)} MODELs; name each at most once"
        )
    if max_length is not None and not sources:
        raise ConfigError(f"--max-length {max_length} needs a MODEL that it is for")
    padded = [*names, *[""] * (len(sources) - len(names))]
    entries = [
        {"source": source, "name": name, "max_length": max_length or 0}
        for source, name in zip(sources, padded, strict=True)
    ]
    return entries or None


def serving(act: Callable[[Loaded], None]) -> Callable[..., None]:
    """Make a command of what is done with the settings of a server.

    Args:
        act: its docstring is the command's help.
    """

    def command(  # noqa: PLR0913  # typer reads the options from the parameters
        models: Models = None,
        *,
        name: Names = None,
        host: Host = None,
        port: Port = None,
        precision: Precision = None,
        threads: Threads = None,
        workers: Workers = None,
        max_length: MaxLength = None,
        config: Settings = None,
        assignments: Assignments = None,
    ) -> None:
        flags = {
            "models": model_entries(models or (), name or (), max_length),
            "web.host": host,
            "web.port": port,
            "engine.precision": precision,
            "engine.threads": threads,
            "workers.count": workers,
        }
        act(settings(config, flags, assignments or ()))

    command.__doc__ = act.__doc__
    return command
