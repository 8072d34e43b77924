"""Settings: defaults < TOML < environment < flags; every value knows where it came from.

A setting is written ``section.key``: in TOML under ``[section]``, in the environment as
``GOLDCREST_SECTION__KEY``. ``load`` looks only at the environment it is given; after it, nothing
does.
"""

from goldcrest.config.described import SETTINGS, Setting
from goldcrest.config.loading import Loaded, load
from goldcrest.config.machine import usable_memory, usable_processors
from goldcrest.config.schema import (
    DEFAULT_MODEL,
    BatchConfig,
    CacheConfig,
    CascadeConfig,
    Config,
    EngineConfig,
    KeyConfig,
    MemoryConfig,
    ModelConfig,
    Precision,
    PriorityConfig,
    RpcConfig,
    WebConfig,
    WorkersConfig,
)

__all__ = [
    "DEFAULT_MODEL",
    "SETTINGS",
    "BatchConfig",
    "CacheConfig",
    "CascadeConfig",
    "Config",
    "EngineConfig",
    "KeyConfig",
    "Loaded",
    "MemoryConfig",
    "ModelConfig",
    "Precision",
    "PriorityConfig",
    "RpcConfig",
    "Setting",
    "WebConfig",
    "WorkersConfig",
    "load",
    "usable_memory",
    "usable_processors",
]
