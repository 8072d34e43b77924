"""Turn what sentiment.py trained into the artifact that ships: INT8, measured, with its card.

Needs no PyTorch, but Goldcrest itself with the extra ``optimize``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sentiment_sets import LabelledSet, read_sets

import goldcrest
from goldcrest.artifact import Draft, FileEntry, Manifest, open_artifact
from goldcrest.checkpoint import read
from goldcrest.compile import build_artifact

HERE = Path(__file__).parent
TARGET = HERE.parent / "src" / "goldcrest" / "builtin" / "sentiment"
LIMIT_BYTES = 20_000_000
LARGEST_DROP = 0.005
"""What INT8 may cost, averaged over the sets, before nothing is published."""

Accuracy = dict[str, float]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="as for sentiment.py")
    parser.add_argument("--trained", type=Path, required=True, help="the --out of sentiment.py")
    parser.add_argument("--target", type=Path, default=TARGET)
    return parser.parse_args()


def accuracy(artifact: Path, precision: Any, sets: Sequence[LabelledSet]) -> Accuracy:
    """Classify everything that was held back, at one precision."""
    with goldcrest.load(str(artifact), precision=precision, max_length=128) as model:
        return {s.name: _accuracy(model, s) for s in sets}


def _accuracy(model: goldcrest.Model, labelled: LabelledSet) -> float:
    found = model.classify([example.text for example in labelled.held_back])
    right = [
        model.labels.index(answer.label) == example.label
        for answer, example in zip(found, labelled.held_back, strict=True)
    ]
    return sum(right) / len(right)


def _mean(values: Mapping[str, float]) -> float:
    return sum(values.values()) / len(values)


def table(metrics: Mapping[str, Any], plain: Accuracy, quantised: Accuracy) -> str:
    """Write the accuracies of teacher, student and what ships as a Markdown table."""
    teacher = metrics["teacher"]["accuracy"]
    rows = [
        (
            name,
            f"{metrics['rows'][name]['held_back']:,}",
            teacher[name],
            plain[name],
            quantised[name],
        )
        for name in plain
    ]
    rows.append(("mean of the sets", "", _mean(teacher), _mean(plain), _mean(quantised)))
    lines = [
        f"| {name} | {n} | {a:.1%} | {b:.1%} | {c:.1%} |".replace("%", " %")
        for name, n, a, b, c in rows
    ]
    head = "| set | texts held back | teacher | student, f32 | shipped, INT8 |\n| --- | --- | --- | --- | --- |"
    return "\n".join([head, *lines])


def _int8_alone(built: Path, target: Path) -> None:
    """Publish the INT8 variant and the tokenizer only: f32 would be four times the size."""
    manifest = open_artifact(built).manifest
    kept: dict[str, FileEntry] = {"int8": manifest.variants["int8"]}
    with Draft(target) as draft:
        for entry in (manifest.tokenizer, *kept.values()):
            (draft.folder / entry.file).write_bytes((built / entry.file).read_bytes())
        fields = {name: getattr(manifest, name) for name in manifest.__struct_fields__}
        draft.publish(Manifest(**{**fields, "variants": kept}))


def _check(target: Path, drop: float) -> None:
    n_bytes = sum(file.stat().st_size for file in target.iterdir())
    if n_bytes > LIMIT_BYTES:
        raise SystemExit(f"{target} has {n_bytes:,} bytes, more than {LIMIT_BYTES:,}")
    print(f"{target}: {n_bytes:,} bytes; INT8 costs {drop:.2%} of accuracy on average")


def main() -> None:
    """Compile, measure, publish, and write the card."""
    arguments = _arguments()
    metrics = json.loads((arguments.trained / "metrics.json").read_text("utf-8"))
    sets = read_sets(arguments.data, HERE / "everyday.tsv", seed=metrics["seed"])
    texts = (arguments.trained / "calibration.txt").read_text("utf-8").splitlines()
    with TemporaryDirectory() as folder:
        built = Path(folder) / "sentiment"
        checkpoint = read(arguments.trained / "student", "recipes/sentiment.py")
        build_artifact(checkpoint, built, variants=("f32", "int8"), calibration=texts)
        plain, quantised = (accuracy(built, precision, sets) for precision in ("f32", "int8"))
        drop = _mean(plain) - _mean(quantised)
        print(table(metrics, plain, quantised))
        if drop > LARGEST_DROP:
            raise SystemExit(f"INT8 costs {drop:.2%}, more than {LARGEST_DROP:.2%}; not published")
        _int8_alone(built, arguments.target)
    card = (HERE / "sentiment_card.md").read_text("utf-8")
    (arguments.target / "MODEL_CARD.md").write_text(
        card.replace("{accuracy}", table(metrics, plain, quantised)), "utf-8"
    )
    _check(arguments.target, drop)


if __name__ == "__main__":
    main()
