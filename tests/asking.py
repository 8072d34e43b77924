"""A model without an engine, for the tests of measurements: it says what a table says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from goldcrest.names import Overflow, ProblemType, Readable, TaskName
from goldcrest.tasks import Reply, Task
from goldcrest.values import Item


@dataclass
class Saying:
    """A model.

    Attributes:
        says: what its task gives back for one item.
        n_dropped: tokens that each item loses.
        sizes: of what it was asked at once, so far.
    """

    task: Readable
    says: Callable[[Item], Any]
    labels: tuple[str, ...] = ()
    n_dropped: int = 0
    sizes: list[int] = field(default_factory=list)
    problem_type: ProblemType | None = None

    @property
    def tasks(self) -> tuple[TaskName, ...]:
        return (self.task,)

    def predict(
        self, task: Task[Any], items: Sequence[Item], *, overflow: Overflow = "truncate"
    ) -> Reply[Any]:
        assert task.name == self.task
        self.sizes.append(len(items))
        said = [self.says(item) for item in items]
        outputs = np.array(said, np.float32) if self.task in ("classify", "embed") else said
        n = len(items)
        dropped = self.n_dropped if overflow == "truncate" else 0
        return Reply("saying", outputs, self.labels, (4,) * n, (dropped,) * n, (1,) * n)


def classifier(*labels: str, says: Callable[[Item], str]) -> Saying:
    """One that is sure of a label."""
    return Saying("classify", lambda item: [float(one == says(item)) for one in labels], labels)
