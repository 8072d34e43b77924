"""What the versions of a process share: processor, engine runtime, batcher, cache folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from goldcrest.app.memory import give_back, resident_bytes
from goldcrest.app.source import Progress, find_artifact
from goldcrest.artifact import Artifact
from goldcrest.batching.batcher import Batcher
from goldcrest.batching.policy import Policy
from goldcrest.config import Config, ModelConfig
from goldcrest.engine import Engine
from goldcrest.engine.choice import Candidate
from goldcrest.engine.processor import Processor, processor
from goldcrest.model.opening import open_version
from goldcrest.model.site import Site, Wishes
from goldcrest.model.version import Version
from goldcrest.prompt import give_way, run_promptly
from goldcrest.records import BatchReport


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
    from goldcrest.engine.openvino import RUNTIME

    return Site(
        cache=Path(config.cache.folder),
        processor=usable(processor()),
        n_threads=config.engine.threads,
        runtime=RUNTIME,
        open_engine=open_engine,
        batcher=Batcher(
            policy=policy(config),
            bystanders_cpu=threads.cpu_s,
            report=report,
        ),
        aside=ThreadPoolExecutor(1, "tokenize", initializer=partial(_begin_aside, threads)),
        tidy=give_back,
        resident=resident_bytes,
    )


def _begin_aside(threads: Threads) -> None:
    threads.enrol()
    give_way()  # as engines do: what it tokenises in a flood would stretch the grids that run
    run_promptly()  # but soon: it holds the interpreter's lock at times, and others then wait


def usable(found: Processor) -> Processor:
    """A processor as the runtime sees it: without the arithmetic that it does not offer."""
    from goldcrest.engine.openvino import has_bf16, has_f16, has_int8_products

    seen = found if has_bf16() else found.without_bf16()
    seen = seen if has_f16() else seen.without_f16()
    return seen if has_int8_products() else seen.without_int8_products()


def policy(config: Config) -> Policy:
    """What the settings say of waiting."""
    batch, priority = config.batch, config.priority
    return Policy(
        head_starts={
            "interactive": priority.interactive_s,
            "default": priority.default_s,
            "bulk": priority.bulk_s,
        },
        unnamed=priority.unnamed,
        limit_tokens=batch.max_waiting_tokens,
        limit_bytes=batch.max_waiting_bytes,
        max_wait_s=batch.max_wait_s,
        interactive_s=batch.interactive_ms / 1e3,
        target_p99_s=batch.target_p99_ms / 1e3 or None,
        hang_s=config.engine.hang_s,
    )


def open_model(model: ModelConfig, config: Config, site: Site, progress: Progress) -> Version:
    """Find or make a model's artifact, and open it.

    Raises:
        CheckpointError: it cannot be found or read.
        ArtifactError: it is not whole, or cannot be compiled or run here.
    """
    artifact = artifact_of(model, site, progress)
    return open_version(model.name, artifact, wishes_of(model, config), site)


def artifact_of(model: ModelConfig, site: Site, progress: Progress) -> Artifact:
    """Find or make a model's artifact.

    Raises:
        CheckpointError: it cannot be found or read.
        ArtifactError: it is not whole, or cannot be compiled.
    """
    return find_artifact(
        model.source,
        cache=site.cache,
        precision=model.precision,
        task=model.task or None,
        progress=progress,
    )


def wishes_of(model: ModelConfig, config: Config) -> Wishes:
    """What the settings ask of a model."""
    return Wishes(
        precision=model.precision or config.engine.precision,
        max_length=model.max_length,
        max_tokens=config.batch.max_grid_tokens,
        objective_s=config.batch.objective_ms / 1e3,
        warm_all=config.engine.warm == "all",
        limit_tokens=config.batch.max_request_tokens,
        share=model.share,
    )


def open_engine(file: Path, candidate: Candidate, n_threads: int) -> Engine:
    """Compile a candidate's graph for a number of threads.

    Raises:
        EngineFailed: it cannot be compiled here.
    """
    from goldcrest.engine.openvino import OpenVinoEngine

    return OpenVinoEngine.compile(
        file, precision=candidate.precision, hint=candidate.hint, n_threads=n_threads
    )
