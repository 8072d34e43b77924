"""The keys of callers, as settings give them; what they say is never repeated in a message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, get_args

from goldcrest.config.schema import KeyConfig
from goldcrest.config.sources import Given
from goldcrest.errors import ConfigError
from goldcrest.names import Priority

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def read_keys(given: Given) -> tuple[KeyConfig, ...]:
    """Read ``[[keys]]`` of a file, or ``name:sha256,name:sha256:priority`` of the environment.

    Raises:
        ConfigError: a key is not named, has no digest or an unknown priority, or two share a name
            or a digest.
    """
    entries = _split(given.value) if isinstance(given.value, str) else given.value
    if not isinstance(entries, list):
        raise ConfigError(f"keys ({given.origin}) is not a list of tables: write [[keys]]")
    keys = tuple(_key(index, entry, given.origin) for index, entry in enumerate(entries))
    for what in ("name", "sha256"):
        values = [getattr(key, what) for key in keys]
        twice = next((key.name for key in keys if values.count(getattr(key, what)) > 1), None)
        if twice is not None:
            raise ConfigError(f"two keys have the {what} of {twice!r} ({given.origin})")
    return keys


def _split(text: str) -> list[dict[str, str]]:
    entries = [part.split(":", 2) for part in text.split(",") if part.strip()]
    names = ("name", "sha256", "priority")
    # The digest is there, if empty, so that what is missing is told by its own sentence.
    return [
        {"sha256": ""} | {name: word.strip() for name, word in zip(names, words, strict=False)}
        for words in entries
    ]


def _key(index: int, entry: Any, origin: str) -> KeyConfig:
    place = f"keys.{index} ({origin})"
    if not isinstance(entry, Mapping) or set(entry) - {"priority"} != {"name", "sha256"}:
        raise ConfigError(
            f"{place} must have a name and a sha256, may have a priority, and nothing else"
        )
    name, digest = entry["name"], entry["sha256"]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigError(
            f"{place} needs a name of 1 to 63 letters, digits, dots, dashes and underscores"
        )
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest.lower()):
        raise ConfigError(
            f"{place} needs the SHA-256 of the key, 64 hexadecimal digits, and never the key "
            "itself; 'goldcrest key NAME' makes both"
        )
    return KeyConfig(name=name, sha256=digest.lower(), priority=_priority(entry, place))


def _priority(entry: Mapping[str, Any], place: str) -> Priority | Literal[""]:
    given = entry.get("priority", "")
    for known in ("", *get_args(Priority)):
        if given == known:
            return known  # type: ignore[no-any-return]  # get_args loses what it is a literal of
    raise ConfigError(f"{place} has a priority that is none of {', '.join(get_args(Priority))}")
