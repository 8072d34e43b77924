"""How close to transformers each family, task and precision came: measured, noted for the docs."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from goldcrest.values import Floats

VARIABLE = "TEST_PARITY_TABLE"
"""Names the file that the figures are gathered in; without it they are only asserted."""


def relative_error(expected: Sequence[Floats], real: Sequence[Floats]) -> float:
    """The largest difference, against the largest number of its answer.

    Or against the spread of all answers, where that is more: one may be near 0.
    """
    spread = np.concatenate([array.ravel() for array in expected]).std()
    assert [array.shape for array in expected] == [array.shape for array in real]
    return max(
        float(np.abs(theirs - ours).max() / max(np.abs(theirs).max(), spread))
        for theirs, ours in zip(expected, real, strict=True)
    )


def record_parity(family: str, task: str, precision: str, figure: float) -> None:
    """Keep the worst figure seen for a row of the table.

    Args:
        family: as ``config.json`` names it.
        task: as in `goldcrest.names.TaskName`.
        precision: such as "f32".
        figure: as `relative_error` measures it.
    """
    file = os.environ.get(VARIABLE)
    if not file:
        return
    path = Path(file)
    rows = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    key = f"{family}/{task}/{precision}"
    rows[key] = max(float(figure), rows.get(key, 0.0))
    path.write_text(json.dumps(rows, indent=1, sort_keys=True) + "\n", "utf-8")
