"""Tries every precision of a model, and writes an artifact of those that keep its quality."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from goldcrest.artifact import Artifact
from goldcrest.compile.variants import float_file
from goldcrest.errors import ArtifactError
from goldcrest.optimize.choosing import candidate_of, native, require_faster, shipped
from goldcrest.optimize.judging import Judge
from goldcrest.optimize.parts import parted
from goldcrest.optimize.result import Report, Tried
from goldcrest.optimize.speed import fastest
from goldcrest.optimize.telling import Telling
from goldcrest.optimize.timing import Timing
from goldcrest.optimize.trying import Found, Trying
from goldcrest.optimize.watch import Tools, Watch
from goldcrest.optimize.wish import Wish
from goldcrest.optimize.workbench import Workbench, assembled


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    Attributes:
        refusal: why no artifact was written; None where one was.
    """

    report: Report
    refusal: ArtifactError | None = None


def optimize(wish: Wish, base: Artifact, tools: Tools, watch: Watch) -> Outcome:
    """Try the precisions of an artifact, and write another with those that pass.

    Args:
        wish: what is asked for.
        base: the artifact with the f32 graph that all else is made from.
        tools: what is needed of the machine.
        watch: told how it goes.

    Raises:
        ArtifactError: the f32 graph is missing, or the folder is in the way.
        ConfigError: the metric does not fit the model.
        DataProblem: the texts do not fit the model, or are too few.
    """
    began, plain = datetime.now(UTC), float_file(base)
    candidates = native(tools.processor, wish.demanded)
    parts = parted(wish.data, base.manifest.task, wish.held_back)
    with Workbench(wish.out, base) as bench:
        judge = Judge(
            parts.held_back,
            graph=plain,
            metric=wish.metric,
            max_drop=wish.max_drop,
            bench=bench,
            tools=tools,
            watch=watch,
        )
        found = Trying(wish, base, parts, judge, bench, tools, watch).run(candidates)
        telling = Telling(began, wish, base, tools, parts, judge, found)
        timing = Timing(base, parts.held_back, tools, bench, watch)
        try:
            able = _decided(found, timing, telling, wish)
        except ArtifactError as error:
            return Outcome(telling.report(refusal=str(error)), error)
        watch.begin("writing the artifact")
        graphs = {one.variant: found.graphs[one.name] for one in able}
        names = [one.name for one in able]
        artifact = assembled(wish.out, base, graphs, names, is_apart=True)
        best = fastest(able).name
        tools.remember(artifact, candidate_of(best))
        return Outcome(telling.report(fastest=best, artifact=artifact))


def _decided(found: Found, timing: Timing, telling: Telling, wish: Wish) -> tuple[Tried, ...]:
    """What may be shipped, now that its speed is known too.

    Raises:
        ArtifactError: nothing, for what was demanded loses too much, cannot be had, or is slow.
    """
    shipped(found.tried, wish.demanded)  # before time is spent on speed
    timed = timing.run(found.tried, found.graphs, n_rounds=wish.n_rounds)
    found.tried, telling.timed = timed.tried, timed
    able = shipped(found.tried, wish.demanded)
    if wish.requires_faster:
        require_faster(found.tried, fastest(able))
    return able
