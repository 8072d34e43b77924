"""Settings: defaults < TOML < environment < flags; every value knows where it came from.

A setting is written ``section.key``: in TOML under ``[section]``, in the environment as
``GOLDCREST_SECTION__KEY``. ``load`` looks only at the environment it is given; after it, nothing
does.
"""

from goldcrest.config.loading import Loaded, load
from goldcrest.config.machine import usable_processors
from goldcrest.config.schema import (
    DEFAULT_MODEL,
    SETTINGS,
    BatchConfig,
    CacheConfig,
    Config,
    EngineConfig,
    KeyConfig,
    ModelConfig,
    Precision,
    RpcConfig,
    Setting,
    WebConfig,
)

__all__ = [
    "DEFAULT_MODEL",
    "SETTINGS",
    "BatchConfig",
    "CacheConfig",
    "Config",
    "EngineConfig",
    "KeyConfig",
    "Loaded",
    "ModelConfig",
    "Precision",
    "RpcConfig",
    "Setting",
    "WebConfig",
    "load",
    "usable_processors",
]
