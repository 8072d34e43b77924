"""Every setting, with its bounds and what it is for."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from goldcrest.names import Priority, Readable

Precision = Literal["auto", "f32", "bf16", "int8", "int8-weights", "f16"]
DEFAULT_MODEL = "sentiment"


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
    hang_s: Annotated[
        float,
        Meta(gt=0, le=3600, description="a grid that runs longer, in s, is given up as hung"),
    ] = 30.0
    recycle_s: Annotated[
        float,
        Meta(ge=0, le=10_000_000, description="age at which an engine is replaced, in s; 0: never"),
    ] = 0.0
    recycle_mib: Annotated[
        int,
        Meta(ge=0, le=10_000_000, description="growth that replaces the engines, MiB; 0: never"),
    ] = 0


class BatchConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How large a batch and the queue may grow."""

    max_grid_tokens: Annotated[
        int, Meta(ge=16, le=65_536, description="token slots of the largest grid")
    ] = 1024
    objective_ms: Annotated[
        float, Meta(gt=0, le=60_000, description="longest time a single grid may take, in ms")
    ] = 50.0
    interactive_ms: Annotated[
        float,
        Meta(gt=0, le=60_000, description="the same while interactive work is about, in ms"),
    ] = 20.0
    target_p99_ms: Annotated[
        float,
        Meta(ge=0, le=600_000, description="latency that grids are sized for, in ms; 0: none"),
    ] = 0.0
    max_request_tokens: Annotated[
        int, Meta(ge=16, le=100_000_000, description="tokens that one request may bring")
    ] = 65_536
    max_waiting_tokens: Annotated[
        int, Meta(ge=512, le=100_000_000, description="tokens of a class that may wait")
    ] = 65_536
    max_waiting_bytes: Annotated[
        int,
        Meta(ge=65_536, le=100_000_000_000, description="bytes of text of a class that may wait"),
    ] = 64_000_000
    max_wait_s: Annotated[
        float,
        Meta(gt=0, le=3600, description="predicted wait, in s, past which work is refused"),
    ] = 30.0


class PriorityConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Classes of work: each counts as having arrived that many seconds earlier than it did."""

    interactive_s: Annotated[
        float, Meta(ge=0, le=86_400, description="head start of class interactive, in s")
    ] = 120.0
    default_s: Annotated[
        float, Meta(ge=0, le=86_400, description="head start of class default, in s")
    ] = 60.0
    bulk_s: Annotated[
        float, Meta(ge=0, le=86_400, description="head start of class bulk, in s")
    ] = 0.0
    unnamed: Annotated[Priority, Meta(description="the class of requests that name none")] = (
        "default"
    )


class WebConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The HTTP door."""

    host: Annotated[str, Meta(min_length=1, description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535, description="port; 0: any free one")] = 8000
    max_body_bytes: Annotated[
        int, Meta(ge=1024, le=1_000_000_000, description="largest request body, in bytes")
    ] = 2_000_000
    max_items: Annotated[int, Meta(ge=1, le=1_000_000, description="texts per request")] = 1024
    max_requests: Annotated[
        int, Meta(ge=1, le=1_000_000, description="requests with a body that are answered at once")
    ] = 4096
    max_held_bytes: Annotated[
        int,
        Meta(ge=65_536, le=1_000_000_000_000, description="bytes of all their bodies together"),
    ] = 64_000_000
    read_s: Annotated[
        float,
        Meta(gt=0, le=3600, description="time for a head, and again for its body, to come, in s"),
    ] = 30.0
    drain_s: Annotated[
        float,
        Meta(ge=0, le=3600, description="longest wait for running requests at shutdown, in s"),
    ] = 30.0
    access_log: Annotated[bool, Meta(description="a line for every request, gRPC's calls too")] = (
        False
    )
    server_timing: Annotated[
        bool, Meta(description="every answer says how long it took, in the header server-timing")
    ] = False
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
    max_requests: Annotated[
        int, Meta(ge=1, le=1_000_000, description="calls that are answered at once")
    ] = 1024
    max_held_bytes: Annotated[
        int,
        Meta(ge=65_536, le=1_000_000_000_000, description="bytes of all their messages together"),
    ] = 64_000_000


class CacheConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept between runs."""

    folder: Annotated[
        str,
        Meta(min_length=1, description="compiled models and measured costs"),
    ] = "~/.cache/goldcrest"
    answers_mib: Annotated[
        int, Meta(ge=0, le=1_000_000, description="answers that are kept, in MiB; 0: none")
    ] = 64
    ttl_s: Annotated[
        float, Meta(gt=0, le=100_000_000, description="how long an answer is kept, in s")
    ] = 3600.0
    redis_url: Annotated[
        str, Meta(description="a second level that replicas share; empty: none")
    ] = ""
    redis_ms: Annotated[
        float, Meta(gt=0, le=10_000, description="longest wait for that level, in ms")
    ] = 5.0


class MemoryConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much memory the process may take."""

    limit_mib: Annotated[
        int, Meta(ge=0, le=100_000_000, description="of the process; 0: what its group may have")
    ] = 0
    models_mib: Annotated[
        int, Meta(ge=0, le=100_000_000, description="of all open models; 0: no limit of its own")
    ] = 0
    loads: Annotated[int, Meta(ge=1, le=64, description="models that are opened at once")] = 2


class WorkersConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Processes that serve on one port."""

    count: Annotated[
        int, Meta(ge=1, le=256, description="processes; the processors are shared out")
    ] = 1
    heartbeat_s: Annotated[
        float, Meta(gt=0, le=3600, description="silence, in s, after which one is replaced")
    ] = 5.0


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
    cache: Annotated[bool, Meta(description="its answers are kept")] = True
    load: Annotated[
        Literal["start", "lazy"],
        Meta(description="opened at the start, or by the first request; a lazy one may be closed"),
    ] = "start"
    wait_s: Annotated[
        float,
        Meta(ge=0, le=3600, description="how long a request waits for a lazy one, in s"),
    ] = 30.0
    share: Annotated[
        float, Meta(gt=0, le=1000, description="of the engine, against other busy models")
    ] = 1.0


class CascadeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Models that are asked one after the other, and served as one."""

    name: Annotated[str, Meta(min_length=1, description="served under")]
    members: Annotated[
        tuple[str, ...], Meta(description="names of classifiers, the cheapest first")
    ]
    thresholds: Annotated[
        tuple[Annotated[float, Meta(ge=0, le=1)], ...],
        Meta(
            description="of each member but the last: how sure it must be for its answer to stand"
        ),
    ]


class KeyConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One key that lets a caller in; the key itself is in no settings."""

    name: Annotated[str, Meta(description="who shows it, as the logs call them")]
    sha256: Annotated[str, Meta(description="its digest, in hexadecimal")]
    priority: Annotated[
        Priority | Literal[""],
        Meta(description="the most urgent class it may ask for, and its class when it names none"),
    ] = ""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings; each part of the server receives its own section only."""

    engine: EngineConfig = EngineConfig()
    batch: BatchConfig = BatchConfig()
    web: WebConfig = WebConfig()
    rpc: RpcConfig = RpcConfig()
    cache: CacheConfig = CacheConfig()
    memory: MemoryConfig = MemoryConfig()
    priority: PriorityConfig = PriorityConfig()
    workers: WorkersConfig = WorkersConfig()
    models: tuple[ModelConfig, ...] = (ModelConfig(source=DEFAULT_MODEL, name=DEFAULT_MODEL),)
    cascades: tuple[CascadeConfig, ...] = ()
    keys: tuple[KeyConfig, ...] = ()
