"""Where settings are given: a TOML file, the environment, flags."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from goldcrest.config.described import LISTS, PREFIX, SECTIONS, SETTINGS
from goldcrest.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Given:
    """A value somebody gave, and where.

    Attributes:
        is_text: whether a number is written as text, as in the environment.
    """

    value: Any
    origin: str
    is_text: bool = False


def from_file(path: Path) -> dict[str, Given]:
    """Read a TOML file: ``[section]`` with keys, and ``models``, ``cascades`` and ``keys``."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"the settings file {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the settings file {path} is not valid TOML: {error}") from error
    origin = f"file {path}"
    return {key: Given(value, origin) for key, value in _flat(content, origin)}


def _flat(content: Mapping[str, Any], origin: str) -> Iterator[tuple[str, Any]]:
    for section, values in content.items():
        if section in LISTS:
            yield section, values
        elif section not in SECTIONS:
            raise unknown(section, (*SECTIONS, *LISTS), origin)
        elif not isinstance(values, dict):
            raise ConfigError(f"{section} = {values!r} ({origin}) is not valid: it is a section")
        else:
            for name, value in values.items():
                yield _known(f"{section}.{name}", origin), value


def from_environment(environ: Mapping[str, str]) -> dict[str, Given]:
    """Read ``GOLDCREST_SECTION__KEY``, and ``GOLDCREST_MODELS`` and the other lists."""
    keys = {setting.environment: key for key, setting in SETTINGS.items()}
    keys |= {PREFIX + name.upper(): name for name in LISTS}
    given = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable == PREFIX + "CONFIG":
            continue
        if _is_cluster_link(variable, text):
            continue
        origin = f"environment {variable}"
        if variable not in keys:
            raise unknown(variable, (*keys, PREFIX + "CONFIG"), origin)
        key = keys[variable]
        value = _listed(key, text, origin) if key in ("models", "cascades") else text
        given[key] = Given(value, origin, is_text=True)
    return given


def _is_cluster_link(variable: str, text: str) -> bool:
    """Whether a cluster made this variable for a service that is named like us."""
    named = re.search(r"_SERVICE_(HOST|PORT(_\w+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_\w+)?$", variable)
    return bool(named) or (variable.endswith("_PORT") and "://" in text)


def _listed(key: str, text: str, origin: str) -> Any:
    if not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ConfigError(f"{key} = {text!r} ({origin}) is not valid JSON: {error}") from error


def from_flags(flags: Mapping[str, Any]) -> dict[str, Given]:
    """Read what the command line gave; None means nothing."""
    given = {}
    for key, value in flags.items():
        if value is None:
            continue
        if key == "models":
            given[key] = Given(value, "argument MODEL")
            continue
        origin = f"flag {SETTINGS[_known(key, 'flag --set')].flag}"
        given[key] = Given(value, origin, is_text=isinstance(value, str))
    return given


def _known(key: str, origin: str) -> str:
    if key not in SETTINGS:
        raise unknown(key, tuple(SETTINGS), origin)
    return key


def unknown(key: str, known: Sequence[str], origin: str) -> ConfigError:
    """Return the error that names an unknown key and the nearest known one."""
    near = get_close_matches(key, known, n=1, cutoff=0.0)
    return ConfigError(f"there is no setting {key!r} ({origin}); the nearest is {near[0]!r}")
