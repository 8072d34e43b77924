"""Every setting, with its bounds and what it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import Meta

from goldcrest.names import Readable

Precision = Literal["auto", "f32", "bf16", "int8"]
DEFAULT_MODEL = "sentiment"
PREFIX = "GOLDCREST_"
FLAGS = ("web.host", "web.port", "engine.precision", "engine.threads")
"""Settings with a flag of their own; the others are given by ``--set key=value``."""


class EngineConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How grids are run."""

    precision: Annotated[
        Precision, Meta(description="arithmetic of the engine; auto: the fastest one here")
    ] = "auto"
    threads: Annotated[
        int, Meta(ge=0, le=1024, description="engine threads; 0: what the process may use")
    ] = 0
    warm: Annotated[
        Literal["smallest", "all"], Meta(description="shapes that are warm before ready")
    ] = "smallest"


class BatchConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How large a batch and the queue may grow."""

    max_grid_tokens: Annotated[
        int, Meta(ge=16, le=65_536, description="token slots of the largest grid")
    ] = 1024
    objective_ms: Annotated[
        float, Meta(gt=0, le=60_000, description="longest time a single grid may take, in ms")
    ] = 50.0
    max_request_tokens: Annotated[
        int, Meta(ge=16, le=100_000_000, description="tokens that one request may bring")
    ] = 65_536
    max_waiting_tokens: Annotated[
        int, Meta(ge=512, le=100_000_000, description="tokens that may wait before refusal")
    ] = 65_536


class WebConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The HTTP door."""

    host: Annotated[str, Meta(min_length=1, description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535, description="port; 0: any free one")] = 8000
    max_body_bytes: Annotated[
        int, Meta(ge=1024, le=1_000_000_000, description="largest request body, in bytes")
    ] = 2_000_000
    max_items: Annotated[int, Meta(ge=1, le=1_000_000, description="texts per request")] = 1024
    drain_s: Annotated[
        float,
        Meta(ge=0, le=3600, description="longest wait for running requests at shutdown, in s"),
    ] = 30.0
    access_log: Annotated[bool, Meta(description="a line for every request")] = False
    public_metrics: Annotated[
        bool, Meta(description="metrics are told without a key too, where there are keys")
    ] = False
    repository_control: Annotated[
        bool, Meta(description="callers may take models out of service and put them back")
    ] = False


class RpcConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The gRPC door, which needs the extra grpc."""

    host: Annotated[str, Meta(min_length=1, description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535, description="port; 0: no gRPC")] = 0
    max_message_bytes: Annotated[
        int, Meta(ge=1024, le=1_000_000_000, description="largest request message, in bytes")
    ] = 4_000_000
    max_items: Annotated[int, Meta(ge=1, le=1_000_000, description="texts per request")] = 1024


class CacheConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept between runs."""

    folder: Annotated[
        str,
        Meta(min_length=1, description="compiled models and measured costs"),
    ] = "~/.cache/goldcrest"


class ModelConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model to serve."""

    source: Annotated[str, Meta(min_length=1, description="a folder, a built-in name or a Hub id")]
    name: Annotated[str, Meta(description="served under; empty: last part of source")] = ""
    max_length: Annotated[
        int, Meta(ge=0, le=65_536, description="tokens per text; 0: the model's own limit")
    ] = 0
    precision: Annotated[
        Precision | Literal[""], Meta(description="of this model; empty: that of the engine")
    ] = ""
    task: Annotated[
        Readable | Literal[""],
        Meta(description="what a checkpoint is compiled for; empty: what it was trained for"),
    ] = ""


class KeyConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One key that lets a caller in; the key itself is in no settings."""

    name: Annotated[str, Meta(description="who shows it, as the logs call them")]
    sha256: Annotated[str, Meta(description="its digest, in hexadecimal")]


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings; each part of the server receives its own section only."""

    engine: EngineConfig = EngineConfig()
    batch: BatchConfig = BatchConfig()
    web: WebConfig = WebConfig()
    rpc: RpcConfig = RpcConfig()
    cache: CacheConfig = CacheConfig()
    models: tuple[ModelConfig, ...] = (ModelConfig(source=DEFAULT_MODEL, name=DEFAULT_MODEL),)
    keys: tuple[KeyConfig, ...] = ()


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
        return "--" + self.key.partition(".")[2].replace("_", "-")

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


LISTS = ("models", "keys")
"""What a file gives as a list of tables."""
SECTIONS: Mapping[str, type[msgspec.Struct]] = {
    "engine": EngineConfig,
    "batch": BatchConfig,
    "web": WebConfig,
    "rpc": RpcConfig,
    "cache": CacheConfig,
}
SETTINGS: Mapping[str, Setting] = {
    f"{section}.{field.name}": Setting(f"{section}.{field.name}", field.type, field.default)
    for section, kind in SECTIONS.items()
    for field in msgspec.structs.fields(kind)
}
