"""From pickled weights to safetensors, once, so that nothing ever opens the pickle again."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from goldcrest.checkpoint import locate
from goldcrest.checkpoint.hub import pickles_among
from goldcrest.errors import CheckpointError

_WORKER = "goldcrest.convert.worker"


def convert(source: str, out: Path) -> Path:
    """Write a checkpoint anew with its weights as safetensors.

    The pickle is opened by PyTorch with ``weights_only``, which builds tensors and nothing else,
    and in a process of its own.

    Args:
        source: a folder or a Hub id whose weights are pickled.
        out: a folder that does not exist yet, or is empty.

    Raises:
        CheckpointNotFound: there is no such checkpoint.
        CheckpointError: it has no pickled weights, PyTorch is missing or refuses them, or ``out``
            is in the way.
    """
    folder = locate(source, pickles=True)
    pickled = pickles_among(file.name for file in folder.iterdir() if file.is_file())
    if not pickled:
        raise CheckpointError(f"{source} has no pickled weights to convert")
    if out.exists() and any(out.iterdir()):
        raise CheckpointError(f"{out} is not empty; it is left alone")
    out.mkdir(parents=True, exist_ok=True)
    _run_worker([folder / name for name in pickled], out / "model.safetensors")
    _copy_rest(folder, out)
    return out


def _run_worker(pickles: list[Path], target: Path) -> None:
    command = [sys.executable, "-m", _WORKER, str(target), *map(str, pickles)]
    ended = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603  # our own module
    if ended.returncode:
        reason = (ended.stderr.strip() or f"status {ended.returncode}").splitlines()[-1]
        raise CheckpointError(f"the weights could not be converted: {reason}")


def _copy_rest(folder: Path, out: Path) -> None:
    """Copy config and tokenizer files, those of sentence-transformers' modules too."""
    for pattern in ("*.json", "*.txt", "*.model", "*/config.json"):
        for file in folder.glob(pattern):
            if file.name.endswith(".index.json"):
                continue
            target = out / file.relative_to(folder)
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(file, target)
