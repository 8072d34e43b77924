"""Every setting, described: where it may be given, and which values it may have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import Meta

from goldcrest.config.schema import (
    BatchConfig,
    CacheConfig,
    EngineConfig,
    MemoryConfig,
    PriorityConfig,
    RpcConfig,
    WebConfig,
    WorkersConfig,
)

PREFIX = "GOLDCREST_"
FLAGS = ("web.host", "web.port", "engine.precision", "engine.threads", "workers.count")
"""Settings with a flag of their own; the others are given by ``--set key=value``."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, described.

    Attributes:
        key: ``section.name``.
        kind: its type with its bounds.
        default: the value when nobody gives one.
    """

    key: str
    kind: Any
    default: Any

    @property
    def environment(self) -> str:
        return PREFIX + self.key.replace(".", "__").upper()

    @property
    def flag(self) -> str:
        if self.key not in FLAGS:
            return "--set"
        section, _, name = self.key.partition(".")
        return "--" + (section if name == "count" else name.replace("_", "-"))

    @property
    def description(self) -> str:
        return _meta(self.kind).description or ""

    @property
    def allowed(self) -> str:
        """The values it may have, in words."""
        return words(self.kind)


def _meta(kind: Any) -> Meta:
    found = [part for part in get_args(kind) if isinstance(part, Meta)]
    return found[0] if found else Meta()


def words(kind: Any) -> str:
    """Say which values a setting of this type may have."""
    meta = _meta(kind)
    plain = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    if choices := _choices(plain):
        return "one of " + ", ".join(f'"{choice}"' for choice in choices)
    name = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[plain]
    if meta.min_length:
        return f"{name}, not empty"
    low = f"from {meta.ge:,}" if meta.ge is not None else f"above {meta.gt}"
    return name if meta.le is None else f"{name} {low} to {meta.le:,}"


def _choices(kind: Any) -> tuple[Any, ...]:
    if get_origin(kind) is Literal:
        return get_args(kind)
    return tuple(choice for part in get_args(kind) for choice in _choices(part))


LISTS = ("models", "cascades", "keys")
"""What a file gives as a list of tables."""
SECTIONS: Mapping[str, type[msgspec.Struct]] = {
    "engine": EngineConfig,
    "batch": BatchConfig,
    "web": WebConfig,
    "rpc": RpcConfig,
    "cache": CacheConfig,
    "memory": MemoryConfig,
    "priority": PriorityConfig,
    "workers": WorkersConfig,
}
SETTINGS: Mapping[str, Setting] = {
    f"{section}.{field.name}": Setting(f"{section}.{field.name}", field.type, field.default)
    for section, kind in SECTIONS.items()
    for field in msgspec.structs.fields(kind)
}
