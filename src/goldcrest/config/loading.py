"""Merges what was given into the settings in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from goldcrest.config.cascades import read_cascades
from goldcrest.config.described import (
    LISTS,
    PREFIX,
    SECTIONS,
    SETTINGS,
    Setting,
    words,
)
from goldcrest.config.keys import read_keys
from goldcrest.config.machine import usable_processors
from goldcrest.config.masked import shown
from goldcrest.config.schema import Config, ModelConfig
from goldcrest.config.sources import Given, from_environment, from_file, from_flags, unknown
from goldcrest.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings in force.

    Attributes:
        origin: for each key, "default", "file PATH", "environment NAME" or "flag --NAME".
    """

    config: Config
    origin: Mapping[str, str]

    def rows(self) -> Iterator[tuple[str, Any, str]]:
        """Yield key, value and origin of every setting, the lists last."""
        for key in SETTINGS:
            section, _, name = key.partition(".")
            yield key, shown(key, getattr(getattr(self.config, section), name)), self.origin[key]
        for index, model in enumerate(self.config.models):
            for name, value in msgspec.structs.asdict(model).items():
                yield f"models.{index}.{name}", value, self.origin["models"]
        for index, cascade in enumerate(self.config.cascades):
            for name, value in msgspec.structs.asdict(cascade).items():
                yield f"cascades.{index}.{name}", value, self.origin["cascades"]
        for index, one in enumerate(self.config.keys):  # their digests are nobody's business
            yield f"keys.{index}.name", one.name, self.origin["keys"]


def load(
    flags: Mapping[str, Any],
    *,
    environ: Mapping[str, str],
    file: Path | None = None,
    n_processors: int | None = None,
) -> Loaded:
    """Merge all sources into settings in force, "what the machine has" resolved.

    Args:
        flags: dotted keys (and ``models``) to values, text or typed; None means not given.
        environ: the environment's variables; others than ``GOLDCREST_*`` are ignored.
        file: a TOML file; ``GOLDCREST_CONFIG`` names one where this is None.
        n_processors: what ``engine.threads = 0`` stands for; None asks the machine.

    Raises:
        ConfigError: an unknown key, or a value that is not allowed, with where it was given.
    """
    named = file or (Path(environ[PREFIX + "CONFIG"]) if environ.get(PREFIX + "CONFIG") else None)
    given = {
        **(from_file(named) if named else {}),
        **from_environment(environ),
        **from_flags(flags),
    }
    values = {key: _value(setting, given.get(key)) for key, setting in SETTINGS.items()}
    models = _models(given["models"]) if "models" in given else Config().models
    cascades = read_cascades(given["cascades"], models) if "cascades" in given else ()
    keys = read_keys(given["keys"]) if "keys" in given else ()
    lists = {"models": models, "cascades": cascades, "keys": keys}
    config = _resolved(_assemble(values, lists), environ, n_processors)
    origin = {key: given[key].origin if key in given else "default" for key in (*SETTINGS, *LISTS)}
    if not values["engine.threads"]:
        origin["engine.threads"] = "default"  # whoever gives 0 leaves it to the machine
    return Loaded(config, origin)


def _value(setting: Setting, given: Given | None) -> Any:
    if given is None:
        return setting.default
    return _converted(given, setting.kind, setting.key)


def _converted(given: Given, kind: Any, key: str) -> Any:
    try:
        return msgspec.convert(given.value, kind, strict=not given.is_text)
    except msgspec.ValidationError as error:
        raise ConfigError(
            f"{key} = {shown(key, given.value)!r} ({given.origin}) is not valid; "
            f"it must be {words(kind)}"
        ) from error


def _models(given: Given) -> tuple[ModelConfig, ...]:
    if not isinstance(given.value, (list, tuple)) or not given.value:
        raise ConfigError(
            f"models = {given.value!r} ({given.origin}) is not valid; it must be a list of sources"
        )
    models = tuple(_model(index, entry, given.origin) for index, entry in enumerate(given.value))
    names = [model.name for model in models]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two models are named {name!r} ({given.origin}); give one a name")
    return models


def _model(index: int, entry: Any, origin: str) -> ModelConfig:
    entry = {"source": entry} if isinstance(entry, str) else entry
    fields = {field.name: field for field in msgspec.structs.fields(ModelConfig)}
    if not isinstance(entry, dict) or "source" not in entry:
        raise ConfigError(f"models.{index} = {entry!r} ({origin}) has no source")
    for key in entry:
        if key not in fields:
            raise unknown(f"models.{index}.{key}", [f"models.{index}.{k}" for k in fields], origin)
    values = {
        key: _converted(Given(value, origin), fields[key].type, f"models.{index}.{key}")
        for key, value in entry.items()
    }
    name = values.get("name") or _name_of(values["source"])
    return ModelConfig(**{**values, "name": name})


def _name_of(source: str) -> str:
    """The last part of a folder or of a Hub id, without its revision."""
    if Path(source).is_dir():
        return Path(source).resolve().name or source
    return source.partition("@")[0].rstrip("/").rpartition("/")[2] or source


def _assemble(values: Mapping[str, Any], lists: Mapping[str, Any]) -> Config:
    sections: dict[str, Any] = {
        section: kind(**{name: values[f"{section}.{name}"] for name in kind.__struct_fields__})
        for section, kind in SECTIONS.items()
    }
    return Config(**sections, **lists)


def _resolved(config: Config, environ: Mapping[str, str], n_processors: int | None) -> Config:
    replace = msgspec.structs.replace
    threads = config.engine.threads or n_processors or usable_processors()
    engine = replace(config.engine, threads=threads)
    models = tuple(
        replace(model, precision=model.precision or engine.precision) for model in config.models
    )
    cache = replace(config.cache, folder=str(_folder(config.cache.folder, environ)))
    return replace(config, engine=engine, cache=cache, models=models)


def _folder(folder: str, environ: Mapping[str, str]) -> Path:
    if folder == Config().cache.folder and environ.get("XDG_CACHE_HOME"):
        return Path(environ["XDG_CACHE_HOME"]) / "goldcrest"
    home = environ.get("HOME")
    if folder.startswith("~/") and home:
        return Path(home) / folder[2:]
    return Path(folder).expanduser()
