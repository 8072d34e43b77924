"""What each precision costs in quality, on tasks with trained weights."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from benchmarks.precision.sets import TASKS
from goldcrest.optimize.result import Report, read

MAX_DROP = 0.5


def reports(
    models: Mapping[str, Path], data: Path, home: Path, *, n_rounds: int, console: Console
) -> dict[str, Report]:
    """Optimise each model on the rows of its task.

    Raises:
        RuntimeError: the command failed without a report.
    """
    found = {}
    for task, model in models.items():
        console.rule(task)
        rows = TASKS[task](data)
        calibration, held_back = rows.write(home / task)
        out = home / task / "optimised"
        given = ("--data", str(calibration), "--held-back", str(held_back), "--out", str(out))
        more = ("--max-drop", str(MAX_DROP), "--rounds", str(n_rounds))
        command = (sys.executable, "-m", "goldcrest.cli.main", "optimize", str(model))
        status = subprocess.run([*command, *given, *more], check=False).returncode
        report = out.with_name("optimised.json")
        if status or not report.is_file():
            raise RuntimeError(f"optimising {model} for {task} ended with status {status}")
        found[task] = read(report)
    return found
