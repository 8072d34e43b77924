"""What the versions of a process share, and what the settings ask of one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path

from goldcrest.artifact import Artifact
from goldcrest.batching.batcher import Batcher
from goldcrest.engine import Engine
from goldcrest.engine.choice import RULE, Candidate
from goldcrest.engine.processor import Processor
from goldcrest.model.footprint import Stir
from goldcrest.model.notebook import Notebook


@dataclass(frozen=True, slots=True)
class Site:
    """What all versions of a process share.

    Attributes:
        cache: folder where measurements are kept.
        runtime: name and version of the engine's library.
        open_engine: compiles a candidate's graph for ``n_threads``.
        aside: where long texts are tokenised.
        tidy: called after work that leaves freed memory behind.
        resident: bytes of the process at this moment; 0 where that is not known.
        stir: told of whatever makes the process grow or shrink.
    """

    cache: Path
    processor: Processor
    n_threads: int
    runtime: str
    open_engine: Callable[[Path, Candidate, int], Engine]
    batcher: Batcher
    aside: Executor
    tidy: Callable[[], None]
    resident: Callable[[], int] = lambda: 0
    stir: Stir = field(default_factory=Stir)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the settings ask of one version.

    Attributes:
        max_length: tokens per item; 0 means the model's own limit.
        max_tokens: slots of the largest grid.
        objective_s: the longest that a grid should take.
        warm_all: whether the whole ladder must be warm before the version counts as ready.
        limit_tokens: tokens that one request may bring.
        share: of the engine, against other models that are busy.
    """

    precision: str = "auto"
    max_length: int = 0
    max_tokens: int = 1024
    objective_s: float = 0.05
    warm_all: bool = False
    limit_tokens: int = 1_000_000
    share: float = 1.0


def notebook_of(artifact: Artifact, site: Site) -> Notebook:
    """The notes on an artifact as this process would run it."""
    return notebook_at(
        site.cache,
        artifact,
        processor=site.processor,
        runtime=site.runtime,
        n_threads=site.n_threads,
    )


def notebook_at(
    cache: Path, artifact: Artifact, *, processor: Processor, runtime: str, n_threads: int
) -> Notebook:
    """The notes on an artifact as a process would run it; as for `Site`."""
    features = ",".join(processor.noteworthy)
    key = (artifact.digest, runtime, processor.name, features, str(n_threads), RULE)
    return Notebook(cache, key)
