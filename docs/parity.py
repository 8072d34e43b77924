"""The table of parity with transformers: written and checked from what the parity tests measured.

``python -m docs.parity MEASURED`` takes over a file that ``make parity`` gathered in the file
named by TEST_PARITY_TABLE; with ``--check`` it compares instead, and fails if a row is missing, is
new, or is worse than its bar. A processor without bf16 measures none of its rows: those in the docs
then stand.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

TABLE = Path(__file__).parent / "parity.json"
BARS = {"f32": 1e-4, "bf16": 0.1, "int8": 0.45}
"""Largest difference from transformers, relative to the largest number of the answer. The weights
are random and so hard to round: trained ones lose far less. The bars leave a fifth or more above
the worst that was measured, for another processor may add up in another order."""
OPTIONAL = frozenset({"bf16"})
"""Precisions that not every processor has; the others run everywhere."""

Rows = Mapping[str, float]


def read(path: Path = TABLE) -> Rows:
    """Family/task/precision -> figure."""
    rows: Rows = json.loads(path.read_text("utf-8"))
    return rows


def completed(measured: Rows, kept: Rows) -> Rows:
    """Add, from the docs, the rows of an optional precision that was not measured at all."""
    absent = OPTIONAL - {_precision(key) for key in measured}
    return {**{key: kept[key] for key in kept if _precision(key) in absent}, **measured}


def problems(measured: Rows, kept: Rows) -> Iterator[str]:
    """Say, row by row, what the docs' table and a measurement disagree on."""
    measured = completed(measured, kept)
    for key in sorted(kept.keys() - measured.keys()):
        yield f"{key} is in the docs, but no test measures it"
    for key in sorted(measured.keys() - kept.keys()):
        yield f"{key} is measured, but not in the docs"
    for key, figure in sorted(measured.items()):
        bar = BARS[_precision(key)]
        if not figure <= bar:
            yield f"{key} differs by {figure:.2g}, more than {bar:g}"


def table(rows: Rows) -> tuple[list[str], list[list[str]]]:
    """The head and the lines of the table: a line per family and task, a column per precision."""
    pairs = sorted({tuple(key.split("/")[:2]) for key in rows})
    precisions = [precision for precision in BARS if any(k.endswith(f"/{precision}") for k in rows)]
    lines = [
        [family, task, *(_figure(rows.get(f"{family}/{task}/{p}")) for p in precisions)]
        for family, task in pairs
    ]
    return ["family", "task", *precisions], lines


def _precision(key: str) -> str:
    return key.rpartition("/")[2]


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"


def main(arguments: list[str]) -> int:
    """Take a measurement over, or check it."""
    measured = read(Path(arguments[-1]))
    found = list(problems(measured, read() if arguments[0] == "--check" else measured))
    for problem in found:
        sys.stderr.write(problem + "\n")
    if not found and arguments[0] != "--check":
        rows = completed(measured, read())
        TABLE.write_text(json.dumps(rows, indent=1, sort_keys=True) + "\n", "utf-8")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
