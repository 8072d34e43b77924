"""What a model is, in plain data, without running it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from goldcrest.app.source import builtins
from goldcrest.artifact import Artifact, Manifest, is_artifact, open_artifact


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
        **_meaning(manifest),
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


def _meaning(manifest: Manifest) -> Mapping[str, Any]:
    """What says how the numbers of a task are read; nothing where the labels say it all."""
    match manifest.task:
        case "classify":
            return {"problem_type": manifest.problem_type}
        case "embed":
            return {
                "pooling": manifest.pooling,
                "normalize": manifest.normalize,
                "prompts": dict(manifest.prompts),
                "default_prompt": manifest.default_prompt,
            }
        case "fill":
            return {"mask_token": manifest.mask_token}
        case "tokens" | "span":
            return {}


def _checkpoint(source: str) -> Mapping[str, Any]:
    from goldcrest.checkpoint import locate, read
    from goldcrest.models import readout_of, readouts_of, resolve

    checkpoint = read(locate(source), source)
    encoder = resolve(checkpoint)
    readout, spec = readout_of(encoder), encoder.spec
    return {
        "kind": "checkpoint",
        "folder": str(checkpoint.folder),
        "task": readout.task,
        "tasks": list(readouts_of(encoder)),
        "family": encoder.family.model_type,
        "labels": list(readout.labels),
        "problem_type": readout.problem_type or "",
        "pooling": readout.pooling or "",
        "prompts": dict(checkpoint.prompts),
        "dimensions": spec.width,
        "layers": spec.n_layers,
        "heads": spec.n_heads,
        "vocabulary": spec.vocab_size,
        "max_length": min(checkpoint.max_seq_length or spec.max_positions, spec.max_positions),
        "digest": checkpoint.digest(),
    }
