"""From a trained student to what ships: compiled, measured, judged, and put in its place."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from goldcrest.artifact import Artifact, Draft, Manifest, open_artifact
from goldcrest.checkpoint import read
from goldcrest.compile import build_artifact
from goldcrest.engine.processor import processor
from recipes import card
from recipes.judging import mean_drop, objections
from recipes.measuring import Measured

HERE = Path(__file__).parent
BUILTINS = HERE.parent / "src" / "goldcrest" / "builtin"


def compile_student(name: str, work: Path) -> Artifact:
    """Compile the student in f32 and in INT8, calibrated on texts that it was trained on."""
    texts = (work / "data" / "calibration.txt").read_text("utf-8").splitlines()
    return build_artifact(
        read(work / "student", f"recipes/{name}.toml"),
        work / "artifact",
        variants=("f32", "int8"),
        calibration=texts,
        progress=lambda step: print(step) if step else None,
    )


def figures(work: Path, measured: Measured) -> dict[str, str]:
    """Return all figures that a card may name."""
    counts = json.loads((work / "data" / "counts.json").read_text("utf-8"))
    config = json.loads((work / "student" / "config.json").read_text("utf-8"))
    manifest = open_artifact(work / "artifact").manifest
    n_bytes, records = _shipped_bytes(manifest), _records(work)
    return {
        "shape": card.shape(config, _n_parameters(work / "student")),
        "max_length": str(manifest.max_length),
        "learnt_length": str(records["student"]["stage"]["max_length"]),
        "size": f"{n_bytes / 1e6:.1f} MB",
        "training": card.training(records, _machine(), _tools()),
        "quality": card.quality_table(measured, counts),
        "verdict": card.verdict(measured),
        "likeness": card.likeness_table(measured.likeness, counts) if measured.likeness else "",
    }


def publish(name: str, work: Path, measured: Measured) -> None:
    """Put the INT8 form and its card in the place of the model that ships, if it may.

    Raises:
        SystemExit: it may not; says why.
    """
    built = open_artifact(work / "artifact")
    found = objections(
        int8=mean_drop(measured.int8),
        replaced=mean_drop(measured.replaced) if measured.replaced else None,
        n_bytes=_shipped_bytes(built.manifest),
    )
    if found:
        raise SystemExit(f"{name} is not published: {'; '.join(found)}")
    template = (HERE / "cards" / f"{name}.md").read_text("utf-8")
    text = card.filled(template, figures(work, measured))
    _int8_alone(built, BUILTINS / name, text)
    print(f"published to {BUILTINS / name}")


def is_shipped(name: str) -> bool:
    """Tell whether a recipe's model ships, rather than being made to be measured only."""
    return (HERE / "cards" / f"{name}.md").exists()


def _int8_alone(built: Artifact, target: Path, text: str) -> None:
    """Publish the INT8 variant and the tokenizer only: f32 would be four times the size."""
    manifest = built.manifest
    variant = manifest.variants["int8"]
    with Draft(target) as draft:
        for entry in (manifest.tokenizer, variant):
            (draft.folder / entry.file).write_bytes((built.folder / entry.file).read_bytes())
        (draft.folder / "MODEL_CARD.md").write_text(text, "utf-8")
        fields = {name: getattr(manifest, name) for name in manifest.__struct_fields__}
        draft.publish(Manifest(**{**fields, "variants": {"int8": variant}}))


def _shipped_bytes(manifest: Manifest) -> int:
    return manifest.tokenizer.n_bytes + manifest.variants["int8"].n_bytes


def _n_parameters(folder: Path) -> int:
    tensors = read(folder, str(folder)).tensors
    return sum(tensors[name].size for name in tensors)


def _machine() -> str:
    features = ", ".join(processor().noteworthy)
    return f"{os.cpu_count()} cores of {processor().name} ({features}), shared with other work"


def _tools() -> str:
    return ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "nncf"))


def _records(work: Path) -> Mapping[str, Mapping[str, Any]]:
    """Return what each stage wrote of its training, in their order."""
    files = [work / stage / "training.json" for stage in ("teacher", "student")]
    return {
        file.parent.name: json.loads(file.read_text("utf-8")) for file in files if file.exists()
    }
