"""From what a user calls a model to the artifact that serves it."""

from __future__ import annotations

import atexit
import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from goldcrest.artifact import Artifact, is_artifact, open_artifact
from goldcrest.errors import ArtifactError, CheckpointNotFound
from goldcrest.names import Readable
from goldcrest.turn import turn

if TYPE_CHECKING:  # they bring onnx and the Hub's client, which an artifact does without
    from goldcrest.checkpoint import Checkpoint
    from goldcrest.compile import Variant

_log = logging.getLogger(__name__)

_PATIENCE_S = 900.0
"""How long one process waits for another that compiles the same."""

_VARIANTS: Mapping[str, Variant] = {"int8": "int8", "int8-weights": "int8-weights"}

Progress = Callable[[str], None]
"""Told the name of each step of a compilation as it begins."""


def builtins() -> dict[str, Path]:
    """The artifacts that ship with the package, by name."""
    folder = Path(str(files("goldcrest.builtin")))
    return {path.parent.name: path.parent for path in sorted(folder.glob("*/manifest.json"))}


def artifact_at(source: str) -> Artifact | None:
    """The artifact in a folder, or the built-in one of that name; None for anything else.

    Raises:
        ArtifactError: it is not whole.
    """
    folder = Path(source).expanduser()
    if folder.is_dir():
        return open_artifact(folder) if is_artifact(folder) else None
    return open_artifact(builtins()[source]) if source in builtins() else None


def find_artifact(
    source: str,
    *,
    cache: Path,
    precision: str = "auto",
    task: Readable | None = None,
    progress: Progress = lambda _: None,
) -> Artifact:
    """Open what ``source`` names; a checkpoint is compiled into the cache on first use.

    Args:
        source: a folder (an artifact or a checkpoint), a built-in name, or a Hub id.
        cache: the cache folder.
        precision: what will be asked of the artifact: "int8" and "int8-weights" make their variant.
        task: what a checkpoint is compiled for; None means what it was trained for.
        progress: told of each step, if there are any.

    Raises:
        CheckpointError: it cannot be found or read.
        ArtifactError: it is an artifact that is not whole or does another task, or it cannot be
            compiled.
    """
    artifact = artifact_at(source)
    if artifact is not None:
        return _of_task(artifact, task)
    variant = _VARIANTS.get(precision, "f32")
    return _cached(_read(source), _Order((variant,), task), cache, progress)


def compile_model(
    source: str,
    out: Path,
    precisions: Sequence[Variant] = ("f32",),
    *,
    task: Readable | None = None,
    calibrate: Path | None = None,
    progress: Progress = lambda _: None,
) -> Artifact:
    """Compile a checkpoint into an artifact of its own.

    Args:
        source: a folder or a Hub id.
        out: where the artifact goes; an older artifact there is replaced.
        precisions: the variants to make.
        task: what it is for; None means what the checkpoint was trained for.
        calibrate: a file with one text of the task per line, for INT8.
        progress: told of each step.

    Raises:
        CheckpointError: the source cannot be read.
        ArtifactError: the artifact cannot be made; `QuantizeFailed` where INT8 is to blame.
    """
    folder = Path(source).expanduser()
    if is_artifact(folder) or (not folder.is_dir() and source in builtins()):
        raise ArtifactError(f"{source} is an artifact already; compile its checkpoint instead")
    from goldcrest.compile import build_artifact

    texts = None if calibrate is None else _lines(calibrate)
    return build_artifact(
        _read(source), out, task=task, variants=precisions, calibration=texts, progress=progress
    )


def _read(source: str) -> Checkpoint:
    from goldcrest.checkpoint import locate, read

    try:
        return read(locate(source), source)
    except CheckpointNotFound as error:
        names = ", ".join(builtins())
        raise CheckpointNotFound(f"{error} (built in: {names})") from error


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be made of a checkpoint."""

    variants: tuple[Variant, ...]
    task: Readable | None


def _of_task(artifact: Artifact, task: Readable | None) -> Artifact:
    if task not in (None, artifact.manifest.task):
        raise ArtifactError(
            f"{artifact.folder} was compiled to {artifact.manifest.task}, not to {task}; compile "
            "its checkpoint anew"
        )
    return artifact


def _cached(checkpoint: Checkpoint, order: _Order, cache: Path, progress: Progress) -> Artifact:
    """The artifact that was compiled earlier, or by another process meanwhile; else one made now."""
    from goldcrest.compile import COMPILER

    key = "\n".join([checkpoint.digest(), COMPILER, order.task or "", *order.variants])
    name = hashlib.sha256(key.encode()).hexdigest()[:24]
    target = cache / "artifacts" / name
    if found := _kept(target, order):
        return found
    with turn(target.with_suffix(".lock"), patience_s=_PATIENCE_S):
        return _kept(target, order) or _made(checkpoint, order, target, progress)


def _kept(target: Path, order: _Order) -> Artifact | None:
    if not is_artifact(target):
        return None
    try:
        artifact = open_artifact(target)
        artifact.verify(*order.variants)
    except ArtifactError as error:
        _log.warning("%s; it is compiled anew", error)
        return None
    return artifact


def _made(checkpoint: Checkpoint, order: _Order, target: Path, progress: Progress) -> Artifact:
    """Compile, into a folder for this process alone where the cache takes nothing."""
    from goldcrest.compile import build_artifact

    def build(folder: Path) -> Artifact:
        return build_artifact(
            checkpoint, folder, task=order.task, variants=order.variants, progress=progress
        )

    try:
        return build(target)
    except ArtifactError as error:
        if not isinstance(error.__cause__, OSError):  # nor will it work elsewhere
            raise
        _log.warning("%s; it is compiled into a temporary folder, for this time only", error)
        return build(_temporary() / target.name)


@cache
def _temporary() -> Path:
    """A folder that goes with the process.

    Raises:
        ArtifactError: there is room for none.
    """
    try:
        folder = TemporaryDirectory(prefix="goldcrest-")
    except OSError as error:
        raise ArtifactError(f"no temporary folder can be made: {error.strerror}") from error
    atexit.register(folder.cleanup)
    return Path(folder.name)


def _lines(file: Path) -> list[str]:
    try:
        return [line for line in file.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ArtifactError(f"{file} cannot be read as lines of text: {error}") from error
