"""How many tokens texts have for a model, and what its grids cost here, without running it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from goldcrest.app.site import usable
from goldcrest.app.source import Progress, find_artifact
from goldcrest.artifact import Artifact
from goldcrest.config import Config
from goldcrest.engine.choice import candidates
from goldcrest.engine.processor import processor
from goldcrest.errors import NoVariant
from goldcrest.evaluate.rows import texts_of
from goldcrest.heads.embed import Prompts
from goldcrest.lengths.prices import Prices
from goldcrest.model.notebook import Notes
from goldcrest.model.site import notebook_at
from goldcrest.packing.cost import CostTable
from goldcrest.text.tokenizer import Tokenizer
from goldcrest.values import Item


@dataclass(frozen=True, slots=True)
class Counting:
    """A model that counts tokens.

    Attributes:
        limit: the most tokens that it takes.
        prices: what its grids cost here; None where nothing was noted.
    """

    limit: int
    prices: Prices | None
    _tokenizer: Tokenizer
    _prompts: Prompts
    _reads_apart: bool

    def lengths(self, items: Sequence[Item]) -> list[int]:
        """Tokens of each input, special ones and the model's own prompt included.

        An item is one input; of a pair that an embedder reads, each text is one.

        Raises:
            InvalidRequest: an item is no valid text.
        """
        if self._reads_apart:
            items = [text for item in items for text in texts_of(item)]
        prompted = self._prompts.before(items, None)
        encoded = self._tokenizer.encode_all(prompted)
        return [one.n_tokens + one.n_dropped for (one,) in encoded]


def open_counting(source: str, config: Config, *, progress: Progress = lambda _: None) -> Counting:
    """Open as much of a model as it takes to count.

    Args:
        source: a folder, a built-in name or the id of a repository; a checkpoint is compiled.
        config: says where notes are kept, and which precision is meant.
        progress: told of each step of a compilation.

    Raises:
        CheckpointError: the model cannot be found or read.
        ArtifactError: it is not whole, or cannot be compiled.
    """
    precision = config.engine.precision
    artifact = find_artifact(
        source, cache=Path(config.cache.folder), precision=precision, progress=progress
    )
    manifest = artifact.manifest
    tokenizer = Tokenizer.load(
        artifact.tokenizer, max_length=manifest.max_length, has_token_types=False
    )
    prompts = Prompts(manifest.prompts, manifest.default_prompt)
    return Counting(
        manifest.max_length,
        _prices(artifact, config),
        tokenizer,
        prompts,
        manifest.task == "embed",
    )


def _prices(artifact: Artifact, config: Config) -> Prices | None:
    """What was noted here of the precision that would run."""
    from goldcrest.engine.openvino import RUNTIME

    here, asked = usable(processor()), config.engine.precision
    notes = notebook_at(
        Path(config.cache.folder),
        artifact,
        processor=here,
        runtime=RUNTIME,
        n_threads=config.engine.threads,
    ).read()
    manifest = artifact.manifest
    try:
        able = candidates(manifest.variants, here, asked, passed=manifest.passed)
    except NoVariant:
        if asked != "auto":  # it can never run here, so nothing will ever be noted
            raise
        return None
    noted = [one for one in able if len(able) == 1 or str(one) == notes.choices.get(asked)]
    table = _table(notes, str(noted[0])) if noted else None
    if table is None:
        return None
    return Prices(
        table,
        precision=noted[0].precision,
        objective_s=config.batch.objective_ms / 1e3,
        max_tokens=config.batch.max_grid_tokens,
    )


def _table(notes: Notes, candidate: str) -> CostTable | None:
    try:
        return CostTable.from_json(notes.costs.get(candidate, {}))
    except ValueError:  # it will be measured anew
        return None
