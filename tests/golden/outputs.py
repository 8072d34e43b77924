"""Outputs of transformers that are kept, so that our graphs can be compared without it.

``python -m tests.golden.outputs`` writes them anew, in the environment of ``make parity``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from safetensors.numpy import load_file
from tests.graphs import READOUTS, opened, random_encodings

from goldcrest.models.resolve import FAMILIES
from goldcrest.names import Readable
from goldcrest.testing.checkpoint import FamilyName, random_checkpoint
from goldcrest.values import Encoding, Floats

FOLDER = Path(__file__).parent
LENGTHS = (1, 6, 17, 32)
SIZES: dict[str, Any] = {
    "vocab_size": 1000,
    "max_positions": 32,
}  # more tokens than any small vocabulary has
N_KEPT = 64
"""Numbers of each output that are kept, evenly spread over it."""


@dataclass(frozen=True, slots=True)
class Golden:
    """One readout of one family.

    Attributes:
        mass: of the weights that the outputs were made with: the sum of their magnitudes.
        encodings: the texts.
        kept: `sample` of the outputs.
    """

    mass: float
    encodings: tuple[Encoding, ...]
    kept: Floats


def build(folder: Path, family: FamilyName, task: Readable) -> float:
    """Write the checkpoint of a readout, always the same; the mass of its weights."""
    random_checkpoint(folder, family=family, task=task, n_labels=5, seed=7, **SIZES)
    tensors = load_file(folder / "model.safetensors").values()
    return float(sum(np.abs(tensor).sum(dtype=np.float64) for tensor in tensors))


def sample(outputs: Sequence[Floats]) -> Floats:
    """At most `N_KEPT` numbers of all the outputs."""
    flat = np.concatenate([output.ravel() for output in outputs])
    places = np.linspace(0, len(flat) - 1, min(len(flat), N_KEPT)).round().astype(int)
    return np.asarray(flat[places], np.float32)


def read(family: FamilyName) -> dict[Readable, Golden]:
    """What is kept of a family."""
    stored = json.loads((FOLDER / f"{family}.json").read_text("utf-8"))
    return {task: _golden(stored[task]) for task in READOUTS}


def write(family: FamilyName, outputs: Callable[..., Sequence[Floats]]) -> None:
    """Write what is kept of a family.

    Args:
        family: whose.
        outputs: folder, task and encodings -> the outputs.
    """
    lines = [f' "{task}": {json.dumps(entry)}' for task, entry in _entries(family, outputs)]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    (FOLDER / f"{family}.json").write_text(text, "utf-8")


def _entries(
    family: FamilyName, outputs: Callable[..., Sequence[Floats]]
) -> Iterator[tuple[Readable, dict[str, Any]]]:
    for task in READOUTS:
        with TemporaryDirectory() as name:
            mass = build(Path(name), family, task)
            encoder, _ = opened(Path(name), task)
            encodings = random_encodings(encoder, LENGTHS, n_picks=2 if task == "fill" else 0)
            kept = sample(outputs(Path(name), task, encodings))
        texts = [_text(encoding) for encoding in encodings]
        numbers = [float(f"{number:.7g}") for number in kept]
        yield task, {"mass": mass, "texts": texts, "kept": numbers}


def _text(encoding: Encoding) -> dict[str, list[int]]:
    parts = {"ids": encoding.ids, "types": encoding.token_types, "picks": encoding.picks}
    return {name: array.tolist() for name, array in parts.items() if array is not None}


def _golden(stored: dict[str, Any]) -> Golden:
    texts = [
        {name: np.array(part, np.int32) for name, part in text.items()} for text in stored["texts"]
    ]
    encodings = tuple(
        Encoding(text["ids"], text.get("types"), picks=text.get("picks")) for text in texts
    )
    return Golden(stored["mass"], encodings, np.array(stored["kept"], np.float32))


if __name__ == "__main__":
    from tests.reference import reference

    for family in FAMILIES:
        write(family, reference)  # type: ignore[arg-type]  # the keys are exactly those names
