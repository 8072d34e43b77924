"""A recipe's models on everything held back: teacher, student, what would ship, what ships now."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import goldcrest
from goldcrest.app.source import builtins
from goldcrest.evaluate import Drop, Quality, TextSet, evaluate, read_set
from recipes.judging import drops
from recipes.likeness import Likeness, Vectors, likeness


@dataclass(frozen=True, slots=True)
class Measured:
    """What a recipe's models are worth.

    Attributes:
        sets: those with labels.
        qualities: model -> set -> quality; the models are "teacher", "f32", "int8" and, where the
            recipe has shipped one before, "replaced".
        int8: by set, what INT8 costs the student.
        replaced: by set, what the new model loses to the one that it would replace.
        likeness: precision -> source -> how close an embedder comes to its teacher.
    """

    sets: Sequence[TextSet]
    qualities: dict[str, dict[str, Quality]]
    int8: dict[str, Drop]
    replaced: dict[str, Drop]
    likeness: dict[str, dict[str, Likeness]] = field(default_factory=dict)


def held_back(work: Path) -> list[TextSet]:
    """Return every set that was held back, named as its file is, without the suffix."""
    files = sorted((work / "data" / "held_back").glob("*.jsonl"))
    return [TextSet(file.stem, read_set(file).rows) for file in files]


def measure(name: str, artifact: Path, teacher: Path, sets: Sequence[TextSet]) -> Measured:
    """Measure all models of a recipe on the same rows."""
    with ExitStack() as stack:
        models = {
            "teacher": stack.enter_context(goldcrest.load(str(teacher), precision="f32")),
            "f32": stack.enter_context(goldcrest.load(str(artifact), precision="f32")),
            "int8": stack.enter_context(goldcrest.load(str(artifact), precision="int8")),
        }
        if name in builtins():
            models["replaced"] = stack.enter_context(goldcrest.load(name))
        return _measured(models, sets)


def _measured(models: dict[str, goldcrest.Model], sets: Sequence[TextSet]) -> Measured:
    labelled = [one for one in sets if one.is_labelled]
    found = {
        kind: {one.name: evaluate(model, one) for one in labelled} for kind, model in models.items()
    }
    unlabelled = [one for one in sets if not one.is_labelled]
    return Measured(
        sets=labelled,
        qualities=found,
        int8=drops(found["f32"], found["int8"], labelled),
        replaced=drops(found["replaced"], found["int8"], labelled) if "replaced" in found else {},
        likeness=_likeness(models, unlabelled) if unlabelled else {},
    )


def _likeness(
    models: dict[str, goldcrest.Model], sets: Sequence[TextSet]
) -> dict[str, dict[str, Likeness]]:
    """Compare vectors; every text is searched for among those of all sources."""
    starts = np.cumsum([0, *map(len, sets)]).tolist()
    sources = {one.name: slice(*ends) for one, *ends in zip(sets, starts, starts[1:], strict=False)}
    texts = [text for one in sets for text in one.texts]
    vectors: dict[str, Vectors] = {
        kind: model.embed(texts, normalize=True) for kind, model in models.items()
    }
    others = {kind: found for kind, found in vectors.items() if kind != "teacher"}
    return {kind: likeness(vectors["teacher"], found, sources) for kind, found in others.items()}
