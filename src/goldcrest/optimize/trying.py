"""Makes each way to run a model, and has its quality measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goldcrest.artifact import Artifact
from goldcrest.compile.variants import grids_of, int8_refusal, read_graph, tokenizer_of
from goldcrest.compile.weights import narrow_weights
from goldcrest.engine.choice import Candidate
from goldcrest.errors import GoldcrestError, QuantizeFailed
from goldcrest.optimize.choosing import REFERENCE, needs_weights
from goldcrest.optimize.judging import Judge, failed
from goldcrest.optimize.outputs import Yardstick
from goldcrest.optimize.parts import Parts
from goldcrest.optimize.quantising import INT8, MORE, SCHEMES, Quantising
from goldcrest.optimize.result import Kept, SchemeTried, Tried
from goldcrest.optimize.watch import Tools, Watch
from goldcrest.optimize.wish import Wish
from goldcrest.optimize.workbench import Workbench


@dataclass(slots=True)
class Found:
    """What was made, and what it is worth.

    Attributes:
        graphs: where the graph of each candidate lies that could be made.
        schemes: ways to make INT8 that were tried.
        scheme: the one that INT8 was made by.
        kept: what INT8 needed in float; None where nothing was kept.
    """

    tried: list[Tried] = field(default_factory=list)
    graphs: dict[str, Path] = field(default_factory=dict)
    schemes: Sequence[SchemeTried] = ()
    scheme: str = ""
    kept: Kept | None = None

    def add(self, tried: Tried, graph: Path | None = None) -> Tried:
        """Note a candidate."""
        self.tried.append(tried)
        if graph is not None:
            self.graphs[tried.name] = graph
        return tried


@dataclass(frozen=True, slots=True)
class Trying:
    """Makes candidates of one artifact, one after the other."""

    wish: Wish
    base: Artifact
    parts: Parts
    judge: Judge
    bench: Workbench
    tools: Tools
    watch: Watch
    found: Found = field(default_factory=Found)

    def run(self, candidates: Sequence[Candidate]) -> Found:
        """Try all of them; of those that fail, the reason is noted."""
        plain = self.base.variant("f32")
        model = read_graph(plain)
        self.found.add(self.judge.reference(), plain)
        self._judge([way for way in _of(candidates, "f32") if way != REFERENCE], plain)
        int8 = self._int8(model, _of(candidates, "int8"))
        if needs_weights(
            self.tools.processor, self.wish.demanded, int8, tries_all=self.wish.tries_all
        ):
            self.watch.begin("storing weights as INT8")
            graph = self.bench.put(narrow_weights(model), "int8-weights")
            self._judge(_of(candidates, "int8-weights"), graph)
        return self.found

    def _judge(self, ways: Sequence[Candidate], graph: Path) -> Sequence[Tried]:
        return [self.found.add(self.judge.judged(way, graph), graph) for way in ways]

    def _int8(self, model: Any, ways: Sequence[Candidate]) -> Sequence[Tried]:
        """INT8 by the best scheme, with as little in float as it takes."""
        if not ways:
            return ()
        try:
            plain, graph = self._passing(self._quantising(model))
        except GoldcrestError as error:
            return [self.found.add(self.judge.told(failed(way, str(error)))) for way in ways]
        self.found.add(plain, graph)
        return [plain, *self._judge([way for way in ways if way != INT8], graph)]

    def _passing(self, quantising: Quantising) -> tuple[Tried, Path]:
        """INT8 that passes; where none does, the one that came the nearest as it was made."""
        self.found.schemes = quantising.schemes
        made = quantising.best((*SCHEMES, *MORE) if self.wish.tries_all else SCHEMES)
        tried = self.judge.judged(INT8, made.file)
        self.found.scheme = str(made.scheme)
        if tried.verdict != "refused":
            return tried, made.file
        mended, self.found.kept = quantising.mended(
            made, lambda graph: self.judge.passes(INT8, graph)
        )
        if mended is None:
            return tried, made.file
        self.found.scheme = str(mended.scheme)
        return self.judge.judged(INT8, mended.file), mended.file

    def _quantising(self, model: Any) -> Quantising:
        if refusal := int8_refusal(self.base):
            raise QuantizeFailed(refusal)
        tokenizer, tools = tokenizer_of(self.base), self.tools
        return Quantising(
            model,
            grids_of(self.base, tokenizer, self.parts.calibration),
            yardstick=Yardstick(
                grids_of(self.base, tokenizer, self.parts.tuning),
                self.base.manifest,
                open_engine=lambda file, way: tools.open_engine(file, way, tools.n_threads),
                reference=self.base.variant("f32"),
            ),
            bench=self.bench,
            watch=self.watch,
        )


def _of(candidates: Sequence[Candidate], variant: str) -> Sequence[Candidate]:
    return [candidate for candidate in candidates if candidate.variant == variant]
