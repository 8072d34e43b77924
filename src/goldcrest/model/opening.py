"""From an artifact to a version that answers: choose the precision, compile, open a lane."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from math import prod
from pathlib import Path

from goldcrest.artifact import Artifact
from goldcrest.batching.batcher import Batcher
from goldcrest.batching.lane import Lane, specimen
from goldcrest.engine import Engine
from goldcrest.engine.choice import Candidate, candidates, fastest
from goldcrest.engine.processor import Processor
from goldcrest.heads.choice import heads_of
from goldcrest.heads.reading import reader
from goldcrest.model.notebook import Notebook
from goldcrest.model.version import Version
from goldcrest.packing.cost import CostTable
from goldcrest.packing.ladder import ladder
from goldcrest.text.tokenizer import Tokenizer
from goldcrest.values import Shape

_log = logging.getLogger(__name__)

SAMPLES = (Shape(1, 32), Shape(4, 64))
"""What candidates are compared on: a lone text, and a grid under load."""

FIRST = 3
"""Shapes that must be warm before a version counts as ready; the rest warm when idle."""


@dataclass(frozen=True, slots=True)
class Site:
    """What all versions of a process share.

    Attributes:
        cache: folder where measurements are kept.
        runtime: name and version of the engine's library.
        open_engine: compiles a candidate's graph for ``n_threads``.
        aside: where long texts are tokenised.
        tidy: called after work that leaves freed memory behind.
    """

    cache: Path
    processor: Processor
    n_threads: int
    runtime: str
    open_engine: Callable[[Path, Candidate, int], Engine]
    batcher: Batcher
    aside: Executor
    tidy: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the settings ask of one version.

    Attributes:
        max_length: tokens per item; 0 means the model's own limit.
        max_tokens: slots of the largest grid.
        objective_s: the longest that a grid should take.
        warm_all: whether the whole ladder must be warm before the version counts as ready.
        limit_tokens: tokens that one request may bring.
    """

    precision: str = "auto"
    max_length: int = 0
    max_tokens: int = 1024
    objective_s: float = 0.05
    warm_all: bool = False
    limit_tokens: int = 1_000_000


def open_version(name: str, artifact: Artifact, wishes: Wishes, site: Site) -> Version:
    """Open an artifact under a name; it is warmed by the batcher's idle slots.

    Raises:
        ArtifactCorrupt: a file that is needed is not what the manifest says.
        NoVariant: the precision asked for cannot run here.
    """
    manifest = artifact.manifest
    notebook = Notebook(site.cache, _key(artifact, site))
    candidate = _choose(artifact, wishes, notebook, site)
    artifact.verify(candidate.variant)
    engine = site.open_engine(artifact.variant(candidate.variant), candidate, site.n_threads)
    read = reader(manifest.task, manifest.pooling)
    max_length = min(wishes.max_length or manifest.max_length, manifest.max_length)
    shapes = ladder(max_length, max_tokens=wishes.max_tokens)
    costs = _known_costs(notebook, candidate)
    lane = Lane(
        name,
        lambda grid: read(engine.run(grid), grid),
        ladder=shapes,
        costs=costs,
        objective_s=wishes.objective_s,
        n_first=len(shapes) if wishes.warm_all else FIRST,
    )

    def keep() -> None:
        notebook.price(str(candidate), costs.to_json())
        site.tidy()

    def close() -> None:
        site.batcher.shut(name)
        keep()
        engine.close()

    lane.warmed = keep

    tokenizer = Tokenizer.load(
        artifact.tokenizer,
        max_length=max_length,
        has_token_types=manifest.has_token_types,
        keeps_origins=manifest.task in ("tokens", "span"),
        mask=manifest.mask_token if manifest.task == "fill" else "",
    )
    version = Version(
        artifact=artifact,
        tokenizer=tokenizer,
        heads=heads_of(manifest, tokenizer, limit=wishes.limit_tokens),
        precision=candidate.precision,
        lane=lane,
        batcher=site.batcher,
        aside=site.aside,
        limit_tokens=wishes.limit_tokens,
        close=close,
    )
    site.batcher.open(lane)
    return version


def _key(artifact: Artifact, site: Site) -> tuple[str, ...]:
    features = ",".join(site.processor.noteworthy)
    return (artifact.digest, site.runtime, site.processor.name, features, str(site.n_threads))


def _known_costs(notebook: Notebook, candidate: Candidate) -> CostTable:
    try:
        return CostTable.from_json(notebook.read().costs.get(str(candidate), {}))
    except ValueError as error:
        _log.warning("costs that were kept are left out and measured anew: %s", error)
        return CostTable()


def _choose(artifact: Artifact, wishes: Wishes, notebook: Notebook, site: Site) -> Candidate:
    """Take the only candidate, or the one noted as the fastest, or measure them."""
    able = candidates(artifact.manifest.variants, site.processor, wishes.precision)
    noted = notebook.read().choices.get(wishes.precision)
    for candidate in able:
        if len(able) == 1 or str(candidate) == noted:
            return candidate
    seconds = {candidate: _measure(artifact, candidate, site) for candidate in able}
    best = fastest({candidate: s for candidate, s in seconds.items() if s is not None})
    _log.info(
        "measured for precision %s: %s; %s is the fastest here",
        wishes.precision,
        ", ".join(
            f"{c} {'failed' if s is None else f'{s * 1e3:.1f} ms'}" for c, s in seconds.items()
        ),
        best,
    )
    notebook.choose(wishes.precision, str(best))
    return best


def _measure(artifact: Artifact, candidate: Candidate, site: Site) -> float | None:
    """Compile a candidate and time it: the geometric mean over the samples.

    None means that it does not run here.
    """
    artifact.verify(candidate.variant)
    engine: Engine | None = None
    try:
        engine = site.open_engine(artifact.variant(candidate.variant), candidate, site.n_threads)
        return prod(_least_s(engine, shape) for shape in SAMPLES) ** (1 / len(SAMPLES))
    except Exception as error:  # noqa: BLE001  # runtimes raise anything, and another may run
        _log.warning("%s is left out: %s", candidate, error)
        return None
    finally:
        if engine is not None:
            engine.close()
        site.tidy()


def _least_s(engine: Engine, shape: Shape) -> float:
    """The least of some runs: noise only ever adds."""
    grid = specimen(shape, n_jobs=2 * shape.rows)
    seconds = []
    for _ in range(8):
        start = time.perf_counter()
        engine.run(grid)
        seconds.append(time.perf_counter() - start)
    return min(seconds)
