"""Cascades, as settings give them, and where they stand among the models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from goldcrest.config.schema import CascadeConfig, Config, ModelConfig
from goldcrest.config.sources import Given
from goldcrest.errors import ConfigError

_KEYS = set(CascadeConfig.__struct_fields__)


def read_cascades(given: Given, models: Sequence[ModelConfig]) -> tuple[CascadeConfig, ...]:
    """Read ``[[cascades]]`` of a file, or the same as JSON of the environment.

    Raises:
        ConfigError: a cascade has no name, one that is taken, fewer than two members, one twice,
            one that is no model of the settings, or not a threshold for each of them but the last.
    """
    if not isinstance(given.value, list | tuple):
        raise ConfigError(f"cascades ({given.origin}) is not a list of tables: write [[cascades]]")
    cascades = tuple(_cascade(index, one, given.origin) for index, one in enumerate(given.value))
    names = [*(model.name for model in models), *(one.name for one in cascades)]
    for cascade in cascades:
        if names.count(cascade.name) > 1:
            raise ConfigError(
                f"the cascade {cascade.name!r} ({given.origin}) has the name of a model or of "
                "another cascade; give it one of its own"
            )
        _check(cascade, models, [one.name for one in cascades], given.origin)
    return cascades


def names_of(config: Config) -> tuple[str, ...]:
    """The names that are served, in order: a cascade stands before the first of its members.

    So it answers in their place where a request names no model, and in that of no other model.
    """
    return tuple(_in_order(config))


def _in_order(config: Config) -> Iterator[str]:
    left = list(config.cascades)
    for model in config.models:
        for cascade in [one for one in left if model.name in one.members]:
            left.remove(cascade)
            yield cascade.name
        yield model.name


def _cascade(index: int, entry: Any, origin: str) -> CascadeConfig:
    place = f"cascades.{index} ({origin})"
    if not isinstance(entry, Mapping) or set(entry) != _KEYS:
        raise ConfigError(f"{place} must have a name, members and thresholds, and nothing else")
    try:
        return msgspec.convert(entry, CascadeConfig)
    except msgspec.ValidationError as error:
        raise ConfigError(
            f"{place} is not valid: {error}; members are names of models, thresholds numbers from "
            "0 to 1"
        ) from error


def _check(
    cascade: CascadeConfig, models: Sequence[ModelConfig], cascades: Sequence[str], origin: str
) -> None:
    place = f"the cascade {cascade.name!r} ({origin})"
    served = [model.name for model in models]
    n_members = len(cascade.members)
    for name in cascade.members:
        if name in cascades:
            raise ConfigError(f"{place} has the member {name!r}, a cascade; they do not nest")
        if name not in served:
            raise ConfigError(
                f"{place} has the member {name!r}, and no model is named so; "
                f"there are: {', '.join(served)}"
            )
    if n_members < 2 or len(set(cascade.members)) < n_members:
        raise ConfigError(f"{place} needs two members or more, each of them once")
    if len(cascade.thresholds) != n_members - 1:
        raise ConfigError(
            f"{place} has {len(cascade.thresholds)} thresholds for {n_members} members; it needs "
            f"{n_members - 1}: the answers of the last one always stand"
        )
