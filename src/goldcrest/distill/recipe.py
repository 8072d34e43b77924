"""Recipes: TOML files with the stages of a distillation, in their order."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from goldcrest.distill.config import Stage
from goldcrest.errors import ConfigError

REFERENCE = "stage:"
"""What stands before the name of a stage whose result another one wants."""
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_FILES = ("data", "held_back")
_MODELS = ("teacher", "start")
_FIELDS = {field.name: field for field in msgspec.structs.fields(Stage)}


def read_recipe(
    file: Path, *, variables: Mapping[str, str], overrides: Mapping[str, Any]
) -> tuple[Stage, ...]:
    """Read a recipe.

    Args:
        file: with ``[[stages]]``, and perhaps ``[variables]`` with defaults for ``${name}``.
        variables: what stands for ``${name}``.
        overrides: keys that every stage gets, whatever the recipe says of them.

    Returns:
        Its stages, with their paths relative to the recipe's folder resolved.

    Raises:
        ConfigError: it cannot be read, or says what is not allowed.
    """
    content = _parsed(file)
    if unknown := set(content) - {"stages", "variables"}:
        raise ConfigError(f"{file} has {min(unknown)!r}; a recipe has [[stages]] and [variables]")
    listed = content.get("stages")
    if not isinstance(listed, list) or not listed:
        raise ConfigError(f"{file} has no stages; write [[stages]]")
    known = {name: str(value) for name, value in content.get("variables", {}).items()}
    if strange := set(variables) - set(known):
        raise ConfigError(
            f"{file} has no variable {min(strange)!r}; it has: {', '.join(known) or 'none'}"
        )
    known |= variables
    stages = tuple(
        stage_of(
            {**_resolved(_filled(values, known, str(file)), file.parent), **overrides},
            origin=f"stages.{index} of {file}",
        )
        for index, values in enumerate(listed)
    )
    _check_order(stages, file)
    return stages


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"the recipe {file} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the recipe {file} is not valid TOML: {error}") from error


def stage_of(values: Mapping[str, Any], *, origin: str) -> Stage:
    """Make a stage of its keys.

    Args:
        values: key -> value.
        origin: where they were given, for messages.

    Raises:
        ConfigError: a key is unknown or missing, or a value is not allowed.
    """
    for name in values:
        if name not in _FIELDS:
            near = get_close_matches(name, _FIELDS, n=1, cutoff=0.0)
            raise ConfigError(f"there is no key {name!r} ({origin}); the nearest is {near[0]!r}")
    for name, field in _FIELDS.items():
        if field.required and name not in values:
            raise ConfigError(f"{origin} has no {name!r}: {description(name)}")
    found = {name: _converted(name, value, origin) for name, value in values.items()}
    stage = Stage(**found)
    if stage.problem_type and stage.kind not in ("labels", "task"):
        raise ConfigError(f"{origin} gives a problem_type, but a student of {stage.kind} has none")
    if not stage.weights():
        raise ConfigError(f"{origin} gives every loss of {stage.kind} the weight 0")
    return stage


def description(name: str) -> str:
    """What a key is for."""
    schema = msgspec.json.schema(Stage)["$defs"]["Stage"]["properties"][name]
    return str(schema.get("description", ""))


def _converted(name: str, value: Any, origin: str) -> Any:
    try:
        return msgspec.convert(value, _FIELDS[name].type)
    except msgspec.ValidationError as error:
        said = str(error)[0].lower() + str(error)[1:]
        raise ConfigError(f"{name} = {value!r} ({origin}) is not valid: {said}") from error


def _filled(values: Any, variables: Mapping[str, str], origin: str) -> Any:
    """Put what they stand for in the place of variables."""
    if isinstance(values, Mapping):
        return {name: _filled(value, variables, origin) for name, value in values.items()}
    if isinstance(values, list):
        return [_filled(value, variables, origin) for value in values]
    if not isinstance(values, str):
        return values
    for name in _VARIABLE.findall(values):
        if not variables.get(name):
            raise ConfigError(f"${{{name}}} in {origin} stands for nothing; say --set {name}=VALUE")
    return _VARIABLE.sub(lambda found: variables[found[1]], values)


def _resolved(values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Make paths that are relative to the recipe such as open from anywhere."""
    found = dict(values)
    for name in _FILES:
        if isinstance(found.get(name), list):
            found[name] = [str(folder / str(path)) for path in found[name]]
    for name in _MODELS:
        path = found.get(name)
        if isinstance(path, str) and path and (folder / path).is_dir():
            found[name] = str(folder / path)
    return found


def _check_order(stages: Sequence[Stage], file: Path) -> None:
    """Refuse stages that share a name, or refer to one that does not come before them."""
    before: list[str] = []
    for stage in stages:
        if stage.name in before:
            raise ConfigError(f"two stages of {file} are named {stage.name!r}")
        for name in references(stage) - set(before):
            raise ConfigError(
                f"the stage {stage.name!r} of {file} refers to {name!r}, which does not come "
                f"before it; there are: {', '.join(before) or 'none'}"
            )
        before.append(stage.name)


def references(stage: Stage) -> set[str]:
    """The names of the stages whose results a stage wants."""
    given = (getattr(stage, name) for name in _MODELS)
    return {one.removeprefix(REFERENCE) for one in given if one.startswith(REFERENCE)}


def referred(stage: Stage, out: Path) -> Stage:
    """The stage with folders in the place of references to others.

    Args:
        stage: may refer to others by ``stage:NAME``.
        out: the folder that holds the result of each under its name.
    """
    folders = {
        name: str(out / getattr(stage, name).removeprefix(REFERENCE))
        for name in _MODELS
        if getattr(stage, name).startswith(REFERENCE)
    }
    return msgspec.structs.replace(stage, **folders)
