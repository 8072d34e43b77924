"""Speed and memory of candidates on the texts of the user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from goldcrest.artifact import Artifact
from goldcrest.compile.variants import tokenizer_of
from goldcrest.engine.choice import Candidate
from goldcrest.evaluate import TextSet
from goldcrest.evaluate.rows import texts_of
from goldcrest.optimize.choosing import candidate_of
from goldcrest.optimize.orders import Setup
from goldcrest.optimize.probing import Observed, Subject, measured
from goldcrest.optimize.result import Tried
from goldcrest.optimize.speed import pace
from goldcrest.optimize.watch import Tools, Watch
from goldcrest.optimize.workbench import Workbench
from goldcrest.values import EncodeOptions, Item

N_TIMED, MAX_TOKENS = 256, 8_000
"""Texts of a round, and the tokens past which there are fewer of them."""


@dataclass(frozen=True, slots=True)
class Timed:
    """Candidates with what was seen of each, and on how many texts."""

    tried: list[Tried]
    n_texts: int
    mean_tokens: float


@dataclass(frozen=True, slots=True)
class Timing:
    """Measures candidates on a sample of rows."""

    base: Artifact
    rows: TextSet
    tools: Tools
    bench: Workbench
    watch: Watch

    def run(self, tried: Sequence[Tried], graphs: Mapping[str, Path], *, n_rounds: int) -> Timed:
        """Let all candidates that run do so in turn, refused or not.

        Args:
            tried: one of them that does not run after all has failed.
            graphs: by the names of the candidates.
            n_rounds: of each.
        """
        items, n_tokens = self._items()
        subjects = [
            self._subject(candidate_of(one.name), graphs[one.name], items)
            for one in tried
            if one.verdict != "failed"
        ]
        seen = measured(subjects, self.tools.probe, n_rounds=n_rounds, watch=self.watch)
        timed = [_with(one, seen[one.name]) if one.name in seen else one for one in tried]
        return Timed(timed, len(items), n_tokens / len(items))

    def _items(self) -> tuple[Sequence[Item], int]:
        """What is run, and how many tokens it has; an embedder runs single texts."""
        tokenizer = tokenizer_of(self.base)
        options = EncodeOptions(max_length=self.base.manifest.max_length)
        items: Sequence[Item] = self.rows.sample(N_TIMED).items
        if self.base.manifest.task == "embed":
            items = [text for item in items for text in texts_of(item)][:N_TIMED]
        chosen: list[Item] = []
        n_tokens = 0
        for item in items:
            chosen.append(item)
            n_tokens += tokenizer.encode(item, options).n_tokens
            if n_tokens >= MAX_TOKENS:
                break
        return chosen, n_tokens

    def _subject(self, candidate: Candidate, graph: Path, items: Sequence[Item]) -> Subject:
        setup = Setup(
            artifact=str(self.bench.trial(candidate, graph).folder),
            precision=candidate.precision,
            variant=candidate.variant,
            hint=candidate.hint,
            n_threads=self.tools.n_threads,
            items=tuple(_plain(item) for item in items),
            max_tokens=self.tools.max_tokens,
            objective_s=self.tools.objective_s,
        )
        return Subject(str(candidate), setup, self.bench.log(str(candidate)))


def _with(tried: Tried, seen: Observed) -> Tried:
    if seen.problem or seen.course is None or not seen.rounds:
        return replace(tried, verdict="failed", reason=f"it does not run: {seen.problem}")
    return replace(
        tried,
        pace=pace(seen.course, seen.rounds),
        grown_bytes=seen.grown_bytes,
        start_s=seen.start_s,
    )


def _plain(item: Item) -> str | tuple[str, str]:
    if isinstance(item, str):
        return item
    first, second = map(str, item)
    return first, second
