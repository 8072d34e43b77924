"""Make a built-in model anew: prepare its texts, distil it, compile it, measure it, publish it.

    python -m recipes NAME --data DATA_FOLDER --base MINILM_FOLDER --work WORK_FOLDER

README.md beside this file names the data, its licences and the base model. What is finished in the
work folder is not done again, and a training that was interrupted goes on.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from recipes.measuring import Measured, held_back, measure
from recipes.prepare import PREPARATIONS
from recipes.publishing import compile_student, figures, is_shipped, publish

HERE = Path(__file__).parent
STEPS = ("prepare", "distil", "measure", "publish")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="recipes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=sorted(PREPARATIONS))
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--base", type=Path, required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--work", type=Path, required=True, help="folder to work in")
    parser.add_argument("--until", choices=STEPS, default=STEPS[-1], help="the last step to do")
    return parser.parse_args()


def _prepare(name: str, data: Path, base: Path, work: Path) -> None:
    if not (work / "data" / "counts.json").exists():
        PREPARATIONS[name](data, base).write(work / "data")


def _distil(name: str, base: Path, work: Path) -> None:
    given: list[str | Path] = ["--config", HERE / f"{name}.toml", "--out", work, "--resume"]
    variables = ["--set", f"data={work / 'data'}", "--set", f"base={base}"]
    command = [sys.executable, "-m", "goldcrest.cli.main", "distill", *given, *variables]
    subprocess.run(command, check=True)  # noqa: S603 - our own command, with the user's own paths


def _measure(name: str, base: Path, work: Path) -> Measured:
    artifact = compile_student(name, work)
    teacher = work / "teacher"
    measured = measure(
        name, artifact.folder, teacher if teacher.exists() else base, held_back(work)
    )
    found = figures(work, measured)
    report = "\n\n".join(f"# {title}\n\n{said}" for title, said in found.items() if said)
    (work / "measured.md").write_text(f"{report}\n", "utf-8")
    print(report)
    return measured


def main() -> None:
    """Run the recipe."""
    arguments = _arguments()
    name, base, work = arguments.name, arguments.base.resolve(), arguments.work.resolve()
    last = STEPS.index(arguments.until)
    _prepare(name, arguments.data, base, work)
    if last >= STEPS.index("distil"):
        _distil(name, base, work)
    if last >= STEPS.index("measure"):
        measured = _measure(name, base, work)
        if last == STEPS.index("publish") and is_shipped(name):
            publish(name, work, measured)


if __name__ == "__main__":
    main()
