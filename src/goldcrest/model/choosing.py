"""Which of an artifact's precisions runs: the one noted as the fastest here, or measured now."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from math import prod

from goldcrest.artifact import Artifact
from goldcrest.batching.lane import specimen
from goldcrest.engine import Engine
from goldcrest.engine.choice import Candidate, candidates, close, fastest
from goldcrest.model.notebook import Notebook
from goldcrest.model.site import Site, Wishes, notebook_of
from goldcrest.values import Shape

_log = logging.getLogger(__name__)

SAMPLES = (Shape(1, 32), Shape(4, 64))
"""What candidates are compared on: a lone text, and a grid under load."""

_PATIENCE_S = 120.0
"""How long a measurement waits for those of other processes."""


def choose(artifact: Artifact, wishes: Wishes, site: Site) -> Candidate:
    """Take the only candidate, or the one noted as the fastest, or measure them.

    Raises:
        ArtifactCorrupt: a file that is measured is not what the manifest says.
        NoVariant: the precision asked for cannot run here.
    """
    notebook = notebook_of(artifact, site)
    manifest = artifact.manifest
    able = candidates(manifest.variants, site.processor, wishes.precision, passed=manifest.passed)
    if chosen := _noted(able, wishes, notebook):
        return chosen
    with notebook.measuring(_PATIENCE_S):
        return _noted(able, wishes, notebook) or _fastest(able, artifact, wishes, notebook, site)


def _noted(able: Sequence[Candidate], wishes: Wishes, notebook: Notebook) -> Candidate | None:
    if len(able) == 1:
        return able[0]
    noted = notebook.read().choices.get(wishes.precision)
    return next((candidate for candidate in able if str(candidate) == noted), None)


def _fastest(
    able: Sequence[Candidate], artifact: Artifact, wishes: Wishes, notebook: Notebook, site: Site
) -> Candidate:
    site.stir.begin()
    seconds = {candidate: _measure(artifact, candidate, site) for candidate in able}
    known = {candidate: s for candidate, s in seconds.items() if s is not None}
    for candidate in close(known):
        again = _measure(artifact, candidate, site)
        known[candidate] = min(known[candidate], again or known[candidate])
    best = fastest(known)
    _log.info(
        "measured for precision %s: %s; %s will run",
        wishes.precision,
        ", ".join(f"{c} {f'{known[c] * 1e3:.1f} ms' if c in known else 'failed'}" for c in seconds),
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
