"""How good each contender is on the texts: with labels by itself, else beside the first one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from goldcrest.artifact import Artifact
from goldcrest.compare.contender import Contender
from goldcrest.compare.result import Judged
from goldcrest.evaluate import Asks, MetricName, Quality, TextSet, evaluate, is_relative


@dataclass(slots=True)
class Judge:
    """Judges contenders one after the other; what the first says is what others are held against.

    Attributes:
        data: the texts.
        metric: None: what fits the first contender and the labels.
        opened: opens an artifact in a precision.
        notes: what could not be judged, and why.
    """

    data: TextSet
    metric: MetricName | None
    opened: Callable[[Artifact, Contender], AbstractContextManager[Asks]]
    notes: list[str] = field(default_factory=list)
    _first: tuple[Contender, Artifact, Quality] | None = None

    def __call__(
        self, contender: Contender, artifact: Artifact, tell: Callable[[str], None]
    ) -> Judged | None:
        """Judge one; None where it cannot be held against the first.

        Raises:
            ConfigError: the metric does not fit it.
            DataProblem: the texts do not.
        """
        if self._is_apart(contender, artifact):
            return None
        with self.opened(artifact, contender) as model:
            found = evaluate(
                model,
                self.data,
                self.metric,
                reference=self._first[2] if self._first else None,
                progress=lambda done, total: tell(f"{done} of {total} rows"),
            )
        self.metric = found.metric
        if self._first is None:
            self._first = contender, artifact, found
            if is_relative(found.metric, self.data):
                self.notes.append(
                    f"There are no labels to go by: quality is {found.metric} with {contender.name}, "
                    "whose own is therefore 1."
                )
        return Judged(
            metric=found.metric,
            value=found.value,
            low=found.low,
            high=found.high,
            n_rows=found.n_rows,
        )

    def _is_apart(self, contender: Contender, artifact: Artifact) -> bool:
        """Whether its vectors have another width than the first one's, and so cannot be compared."""
        if self._first is None or self.metric != "cosine":
            return False
        first, reference, _ = self._first
        wide, other = artifact.manifest.dimensions, reference.manifest.dimensions
        if wide == other:
            return False
        self.notes.append(
            f"The vectors of {contender.name} have {wide} numbers and those of {first.name} {other}, "
            "so their quality is not compared; pairs with scores would tell."
        )
        return True
