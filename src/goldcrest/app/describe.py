"""What a model is, in plain data, without running it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from goldcrest.app.source import builtins
from goldcrest.artifact import Artifact, is_artifact, open_artifact


def describe(source: str) -> Mapping[str, Any]:
    """Describe an artifact, a built-in or a checkpoint.

    Raises:
        CheckpointError: it cannot be found or read.
        ArtifactError: it is an artifact that is not whole.
    """
    folder = Path(source).expanduser()
    if folder.is_dir() and is_artifact(folder):
        return _artifact(open_artifact(folder))
    if not folder.is_dir() and source in builtins():
        return _artifact(open_artifact(builtins()[source]))
    return _checkpoint(source)


def _artifact(artifact: Artifact) -> Mapping[str, Any]:
    manifest = artifact.manifest
    artifact.verify(*manifest.variants)
    return {
        "kind": "artifact",
        "folder": str(artifact.folder),
        "task": manifest.task,
        "family": manifest.family,
        "labels": list(manifest.labels),
        "dimensions": manifest.dimensions,
        "max_length": manifest.max_length,
        "source": manifest.source,
        "made_by": manifest.made_by,
        "digest": artifact.digest,
        "variants": {
            name: {"file": entry.file, "megabytes": round(entry.n_bytes / 1e6, 1)}
            for name, entry in manifest.variants.items()
        },
    }


def _checkpoint(source: str) -> Mapping[str, Any]:
    from goldcrest.checkpoint import locate, read
    from goldcrest.models import readout_of, resolve

    checkpoint = read(locate(source), source)
    encoder = resolve(checkpoint)
    readout, spec = readout_of(encoder), encoder.spec
    return {
        "kind": "checkpoint",
        "folder": str(checkpoint.folder),
        "task": readout.task,
        "family": encoder.family.model_type,
        "labels": list(readout.labels),
        "dimensions": spec.width,
        "layers": spec.n_layers,
        "heads": spec.n_heads,
        "vocabulary": spec.vocab_size,
        "max_length": min(checkpoint.max_seq_length or spec.max_positions, spec.max_positions),
        "pooling": readout.pooling or "",
        "digest": checkpoint.digest(),
    }
