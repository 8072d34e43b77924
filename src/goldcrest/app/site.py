"""What the versions of a process share: processor, engine runtime, batcher, cache folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from goldcrest.app.memory import give_back
from goldcrest.app.source import Progress, find_artifact
from goldcrest.batching.batcher import Batcher
from goldcrest.config import Config, ModelConfig
from goldcrest.engine import Engine
from goldcrest.engine.choice import Candidate
from goldcrest.engine.processor import processor
from goldcrest.model.opening import Site, Wishes, open_version
from goldcrest.model.version import Version
from goldcrest.values import BatchReport


class Threads:
    """The threads of ours that are no engine's, so that their share can be told apart."""

    def __init__(self) -> None:
        self._clocks: list[int] = []

    def enrol(self) -> None:
        """Count the calling thread from now on."""
        self._clocks.append(time.pthread_getcpuclockid(threading.get_ident()))

    def cpu_s(self) -> float:
        """Processor seconds that they have used."""
        return sum(time.clock_gettime(clock) for clock in self._clocks)


def open_site(
    config: Config, threads: Threads, *, report: Callable[[BatchReport], None] = lambda _: None
) -> Site:
    """Start the batcher and gather what versions share."""
    from goldcrest.engine.openvino import RUNTIME, has_bf16

    found = processor()
    return Site(
        cache=Path(config.cache.folder),
        processor=found if has_bf16() else found.without_bf16(),
        n_threads=config.engine.threads,
        runtime=RUNTIME,
        open_engine=_open_engine,
        batcher=Batcher(
            limit_tokens=config.batch.max_waiting_tokens,
            bystanders_cpu=threads.cpu_s,
            report=report,
        ),
        aside=ThreadPoolExecutor(1, "tokenize", initializer=threads.enrol),
        tidy=give_back,
    )


def open_model(model: ModelConfig, config: Config, site: Site, progress: Progress) -> Version:
    """Find or make a model's artifact, and open it.

    Raises:
        CheckpointError: it cannot be found or read.
        ArtifactError: it is not whole, or cannot be compiled or run here.
    """
    artifact = find_artifact(
        model.source,
        cache=site.cache,
        precision=model.precision,
        task=model.task or None,
        progress=progress,
    )
    wishes = Wishes(
        precision=model.precision or config.engine.precision,
        max_length=model.max_length,
        max_tokens=config.batch.max_grid_tokens,
        objective_s=config.batch.objective_ms / 1e3,
        warm_all=config.engine.warm == "all",
        limit_tokens=config.batch.max_request_tokens,
    )
    return open_version(model.name, artifact, wishes, site)


def _open_engine(file: Path, candidate: Candidate, n_threads: int) -> Engine:
    from goldcrest.engine.openvino import OpenVinoEngine

    return OpenVinoEngine(
        file, precision=candidate.precision, hint=candidate.hint, n_threads=n_threads
    )
