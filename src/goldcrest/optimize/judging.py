"""Measures the quality of candidates, each against that of f32 on the same rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from goldcrest.engine.choice import Candidate
from goldcrest.evaluate import MetricName, Quality, TextSet, evaluate, paired
from goldcrest.optimize.choosing import REFERENCE
from goldcrest.optimize.gate import Gate
from goldcrest.optimize.result import Loss, Tried, Verdict
from goldcrest.optimize.watch import Tools, Watch
from goldcrest.optimize.workbench import Workbench


class Judge:
    """Knows how good f32 is, and how much of that others lose.

    Args:
        rows: that were not calibrated on.
        graph: of f32.
        metric: None means the one that fits the model and the rows.
        max_drop: points that may be lost.

    Raises:
        ConfigError: the metric does not fit the model.
        DataProblem: the rows do not.
    """

    def __init__(  # noqa: PLR0913  # each is needed, and all but one by name
        self,
        rows: TextSet,
        *,
        graph: Path,
        metric: MetricName | None,
        max_drop: float,
        bench: Workbench,
        tools: Tools,
        watch: Watch,
    ) -> None:
        self._rows, self._bench, self._tools, self._watch = rows, bench, tools, watch
        self._graph = graph
        self._reference = self._measure(REFERENCE, graph, metric)
        self.gate = Gate(self._reference.metric, max_drop)

    @property
    def n_truncated(self) -> int:
        """Texts that lost their end."""
        return self._reference.n_truncated

    def reference(self) -> Tried:
        """What f32 is worth."""
        return _tried(REFERENCE, self._graph, self._reference)

    def passes(self, candidate: Candidate, graph: Path) -> bool:
        """Whether a candidate keeps enough quality.

        Raises:
            EngineFailed: it does not run here.
        """
        drop = paired(self._reference, self._quality(candidate, graph), self._rows)
        self._watch.say(f"{candidate} {self.gate.sentence(drop)}")
        return self.gate.passes(drop)

    def judged(self, candidate: Candidate, graph: Path) -> Tried:
        """Measure a candidate and let the gate decide; whatever fails is told, not raised."""
        try:
            quality = self._quality(candidate, graph)
        except Exception as error:  # noqa: BLE001  # runtimes raise anything; the next may run
            return self.told(failed(candidate, str(error)))
        drop = paired(self._reference, quality, self._rows)
        verdict: Verdict = "passed" if self.gate.passes(drop) else "refused"
        loss = Loss(
            points=drop.points,
            low=drop.low,
            high=drop.high,
            metric=self.gate.metric,
            limit=self.gate.max_drop,
            is_unclear=self.gate.is_unclear(drop),
        )
        said = self.gate.sentence(drop)
        tried = _tried(candidate, graph, quality)
        return self.told(replace(tried, verdict=verdict, reason=said, loss=loss))

    def told(self, tried: Tried) -> Tried:
        """Say what came of a candidate."""
        self._watch.say(f"{tried.name}: {tried.verdict}; {tried.reason}")
        return tried

    def _quality(self, candidate: Candidate, graph: Path) -> Quality:
        return self._measure(candidate, graph, self._reference.metric, self._reference)

    def _measure(
        self,
        candidate: Candidate,
        graph: Path,
        metric: MetricName | None,
        reference: Quality | None = None,
    ) -> Quality:
        self._watch.begin(f"measuring the quality of {candidate}")
        trial = self._bench.trial(candidate, graph)
        seen: Callable[[int, int], None] = self._watch.seen
        with self._tools.open_model(trial.folder) as model:
            return evaluate(model, self._rows, metric, reference=reference, progress=seen)


def failed(candidate: Candidate, reason: str) -> Tried:
    """A candidate that could not be made or run."""
    return Tried(
        name=str(candidate),
        precision=candidate.precision,
        variant=candidate.variant,
        verdict="failed",
        reason=reason,
    )


def _tried(candidate: Candidate, graph: Path, quality: Quality) -> Tried:
    return Tried(
        name=str(candidate),
        precision=candidate.precision,
        variant=candidate.variant,
        verdict="reference",
        value=quality.value,
        low=quality.low,
        high=quality.high,
        file_bytes=graph.stat().st_size,
    )
