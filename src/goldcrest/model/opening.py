"""From an artifact to a version that answers: choose the precision, compile, open a lane."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import count

from goldcrest.artifact import Artifact
from goldcrest.batching.lane import Lane
from goldcrest.engine import Engine
from goldcrest.engine.choice import Candidate, candidates
from goldcrest.errors import EngineFailed
from goldcrest.heads.choice import heads_of
from goldcrest.heads.reading import reader
from goldcrest.model.choosing import choose
from goldcrest.model.footprint import Footprint, judged_bytes
from goldcrest.model.notebook import Notebook
from goldcrest.model.site import Site, Wishes, notebook_of
from goldcrest.model.version import Version
from goldcrest.packing.cost import CostTable
from goldcrest.packing.ladder import ladder
from goldcrest.text.tokenizer import Tokenizer

_log = logging.getLogger(__name__)

FIRST = 5
"""Shapes that must be warm before a version counts as ready; the rest warm when idle."""


_numbers = count(1)
"""Two versions may be open under one name, while one takes over from the other."""


def open_version(name: str, artifact: Artifact, wishes: Wishes, site: Site) -> Version:
    """Open an artifact under a name; it is warmed by the batcher's idle slots.

    Raises:
        ArtifactCorrupt: a file that is needed is not what the manifest says.
        NoVariant: the precision asked for cannot run here.
    """
    version = prepare_version(name, artifact, wishes, site)
    site.batcher.open(version.lane)
    return version


def prepare_version(
    name: str,
    artifact: Artifact,
    wishes: Wishes,
    site: Site,
    *,
    like: Version | None = None,
    rest: Callable[[float], object] = lambda _: None,
) -> Version:
    """Do the same, but leave its lane out of the batcher: nothing warms it, nothing runs.

    Args:
        name: under which it will be served.
        artifact: what is opened.
        wishes: what the settings ask of it.
        site: what it shares with others.
        like: a version of the same artifact that is open, to share or copy what it has: reading
            another tokenizer stops the interpreter, and compiling takes the processor from those
            who are served.
        rest: called after each long step with the seconds that it took.

    Raises:
        ArtifactCorrupt: a file that is needed is not what the manifest says.
        NoVariant: the precision asked for cannot run here.
    """
    manifest = artifact.manifest
    candidate = choose(artifact, wishes, site)
    notebook = notebook_of(artifact, site)
    event, before = site.stir.begin(), site.resident()
    same = like if like is not None and like.arithmetic == str(candidate) else None
    engine = _copied(same, site, rest) or _compiled(artifact, candidate, site, rest)
    lane = _lane(name, engine, artifact, wishes, _known_costs(notebook, candidate, same))
    tokenizer = _tokenizer(artifact, wishes) if like is None else like.tokenizer
    life = _Life(lane, engine, notebook, candidate, site, event=event, before=before)
    version = Version(
        artifact=artifact,
        tokenizer=tokenizer,
        heads=heads_of(manifest, tokenizer, limit=wishes.limit_tokens),
        precision=candidate.precision,
        arithmetic=str(candidate),
        lane=lane,
        batcher=site.batcher,
        aside=site.aside,
        limit_tokens=wishes.limit_tokens,
        copy_engine=engine.copy,
        close=life.close,
        footprint=_footprint(artifact, candidate, notebook, same),
    )
    lane.warmed = partial(life.warmed, version.footprint)
    return version


def _copied(same: Version | None, site: Site, rest: Callable[[float], object]) -> Engine | None:
    """A copy of the engine of a version in which the same runs; None where there is no such thing."""
    if same is None:
        return None
    try:
        return same.copy_engine(site.cache, rest)
    except (EngineFailed, OSError) as error:
        _log.warning("%s: no copy of its engine, so it is compiled anew: %s", same.name, error)
        return None


def _compiled(
    artifact: Artifact, candidate: Candidate, site: Site, rest: Callable[[float], object]
) -> Engine:
    begun = time.perf_counter()
    artifact.verify(candidate.variant)
    rest(time.perf_counter() - begun)
    begun = time.perf_counter()
    engine = site.open_engine(artifact.variant(candidate.variant), candidate, site.n_threads)
    rest(time.perf_counter() - begun)
    return engine


def _footprint(
    artifact: Artifact, candidate: Candidate, notebook: Notebook, same: Version | None
) -> Footprint:
    if same is not None:
        return replace(same.footprint, is_warm=False)
    return Footprint(
        artifact.manifest.variants[candidate.variant].n_bytes,
        notebook.read().sizes.get(str(candidate)) or _judged(artifact, candidate),
    )


def _tokenizer(artifact: Artifact, wishes: Wishes) -> Tokenizer:
    manifest = artifact.manifest
    return Tokenizer.load(
        artifact.tokenizer,
        max_length=_max_length(artifact, wishes),
        has_token_types=manifest.has_token_types,
        keeps_origins=manifest.task in ("tokens", "span"),
        mask=manifest.mask_token if manifest.task == "fill" else "",
    )


def _max_length(artifact: Artifact, wishes: Wishes) -> int:
    own = artifact.manifest.max_length
    return min(wishes.max_length or own, own)


def _lane(name: str, engine: Engine, artifact: Artifact, wishes: Wishes, costs: CostTable) -> Lane:
    manifest = artifact.manifest
    read = reader(manifest.task, manifest.pooling)
    shapes = ladder(_max_length(artifact, wishes), max_tokens=wishes.max_tokens)
    return Lane(
        f"{name}#{next(_numbers)}",
        lambda grid: read(engine.run(grid), grid),
        ladder=shapes,
        costs=costs,
        objective_s=wishes.objective_s,
        n_first=len(shapes) if wishes.warm_all else FIRST,
        model=name,
        share=wishes.share,
    )


@dataclass(frozen=True, slots=True)
class _Life:
    """What is noted of a version when it is warm, and how it ends.

    Attributes:
        event: its opening, as ``site.stir`` counts.
        before: what the process held just before.
    """

    lane: Lane
    engine: Engine
    notebook: Notebook
    candidate: Candidate
    site: Site
    event: int
    before: int

    def warmed(self, footprint: Footprint) -> None:
        self._keep()
        footprint.is_warm = True
        grown = self.site.resident() - self.before
        if self.site.stir.is_last(self.event) and grown > footprint.weights_bytes:
            footprint.n_bytes = grown
            if self.event > 1:  # the first brings the runtime's own memory with it
                self.notebook.weigh(str(self.candidate), grown)

    def close(self) -> None:
        self.site.stir.begin()
        self.site.batcher.shut(self.lane.name)
        self.engine.close()
        self._keep()

    def _keep(self) -> None:
        self.notebook.price(str(self.candidate), self.lane.costs.to_json())
        self.site.tidy()


def needed_bytes(artifact: Artifact, wishes: Wishes, site: Site) -> int:
    """What an open version will take in memory: as measured here before, else as judged.

    Raises:
        NoVariant: the precision asked for cannot run here.
    """
    notes = notebook_of(artifact, site).read()
    able = candidates(artifact.manifest.variants, site.processor, wishes.precision)
    noted = [one for one in able if str(one) == notes.choices.get(wishes.precision)]
    return max(notes.sizes.get(str(one)) or _judged(artifact, one) for one in noted or able)


def _judged(artifact: Artifact, candidate: Candidate) -> int:
    manifest = artifact.manifest
    return judged_bytes(
        weights=manifest.variants[candidate.variant].n_bytes, tokenizer=manifest.tokenizer.n_bytes
    )


def _known_costs(notebook: Notebook, candidate: Candidate, same: Version | None) -> CostTable:
    """What is known of the costs: by a version in which the same runs, else what was noted."""
    if same is not None:
        return CostTable.from_json(same.lane.costs.to_json())
    try:
        return CostTable.from_json(notebook.read().costs.get(str(candidate), {}))
    except ValueError as error:
        _log.warning("costs that were kept are left out and measured anew: %s", error)
        return CostTable()
