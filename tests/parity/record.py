"""Notes how close to transformers each family, task and precision came, for the docs' table."""

from __future__ import annotations

import json
import os
from pathlib import Path

VARIABLE = "TEST_PARITY_TABLE"
"""Names the file that the figures are gathered in; without it they are only asserted."""


def record_parity(family: str, task: str, precision: str, figure: float) -> None:
    """Keep the worst figure seen for a row of the table.

    Args:
        family: as ``config.json`` names it.
        task: as in `goldcrest.values.TaskName`.
        precision: such as "f32".
        figure: largest difference from transformers, relative to the largest value of its answer.
    """
    file = os.environ.get(VARIABLE)
    if not file:
        return
    path = Path(file)
    rows = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    key = f"{family}/{task}/{precision}"
    rows[key] = max(float(figure), rows.get(key, 0.0))
    path.write_text(json.dumps(rows, indent=1, sort_keys=True) + "\n", "utf-8")
