"""Changes to a checkpoint on disk, to see what becomes of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from safetensors.numpy import load_file, save_file

from goldcrest.values import Floats

Tensors = dict[str, Floats]


def rewrite(folder: Path, change: Callable[[Tensors], Tensors]) -> None:
    """Change the tensors."""
    tensors = load_file(folder / "model.safetensors")
    save_file(change(tensors), folder / "model.safetensors")


def rename(folder: Path, change: Callable[[str], str]) -> None:
    """Change the names of the tensors."""
    rewrite(folder, lambda tensors: {change(name): array for name, array in tensors.items()})


def change_config(folder: Path, **changes: object) -> None:
    """Change keys of the config."""
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
