"""Models in a Python program: `load` one, and ask it."""

from __future__ import annotations

from functools import partial

import msgspec

from goldcrest.app.asking import Encode
from goldcrest.app.model import AsyncModel, Model
from goldcrest.app.questions import Classification
from goldcrest.app.site import Threads, open_model, open_site
from goldcrest.app.source import Progress
from goldcrest.config import Config, ModelConfig, Precision
from goldcrest.model.site import Site
from goldcrest.model.version import Version
from goldcrest.names import Readable

__all__ = ["AsyncModel", "Classification", "Encode", "Model", "load"]


def load(
    source: str,
    config: Config | None = None,
    *,
    precision: Precision | None = None,
    max_length: int = 0,
    task: Readable | None = None,
    progress: Progress = lambda _: None,
) -> Model:
    """Load a model into this process.

    Args:
        source: a folder (an artifact or a checkpoint), a built-in name such as "sentiment", or
            the id of a Hugging Face Hub repository, with ``@revision`` if wanted. A checkpoint
            is compiled on first use and kept in the cache folder.
        config: settings; None means the defaults and the environment.
        precision: "auto" measures what is the fastest here; or "f32", "bf16", "int8"; None means
            what the settings say.
        max_length: tokens per text; 0 means the model's own limit.
        task: what a checkpoint is compiled for; None means what it was trained for.
        progress: told of each step of a compilation.

    Raises:
        CheckpointError: the model cannot be found or read.
        ArtifactError: it is not whole, or cannot be compiled or run here.
    """
    config = patient(config or _environment())
    site = open_site(config, Threads())
    model = ModelConfig(
        source=source,
        name=source,
        max_length=max_length,
        precision=precision or config.engine.precision,
        task=task or "",
    )
    try:
        version = open_model(model, config, site, progress)
    except BaseException:
        site.batcher.close()
        raise
    return Model(version, partial(_close, version, site))


def patient(config: Config) -> Config:
    """Refuse no caller: in a program, one that must wait is back-pressure enough."""
    batch = msgspec.structs.replace(
        config.batch,
        max_waiting_tokens=100_000_000,
        max_waiting_bytes=100_000_000_000,
        max_request_tokens=100_000_000,
        max_wait_s=3600.0,
    )
    return msgspec.structs.replace(config, batch=batch)


def _environment() -> Config:
    import os

    from goldcrest.config import load as load_config

    return load_config({}, environ=os.environ).config


def _close(version: Version, site: Site) -> None:
    try:
        site.batcher.close()
        version.close()
    finally:
        site.aside.shutdown(wait=False)
