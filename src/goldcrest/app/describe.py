"""What a model is, in plain data, without running it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from goldcrest.app.source import artifact_at
from goldcrest.artifact import Artifact, Manifest
from goldcrest.config import ModelConfig
from goldcrest.errors import ArtifactError, CheckpointError
from goldcrest.heads.choice import tasks_of
from goldcrest.values import ServedModel

_log = logging.getLogger("goldcrest")


def describe(source: str) -> Mapping[str, Any]:
    """Describe an artifact, a built-in or a checkpoint.

    Raises:
        CheckpointError: it cannot be found or read.
        ArtifactError: it is an artifact that is not whole.
    """
    artifact = artifact_at(source)
    return _checkpoint(source) if artifact is None else _artifact(artifact)


def foresee(model: ModelConfig) -> ServedModel | None:
    """Describe a model of the settings that is not open, by what lies here; runs and fetches nothing.

    None where nothing is known: it is on the Hub, or cannot be read, which the log says.
    """
    try:
        artifact = artifact_at(model.source)
        if artifact is not None:
            return _of_manifest(model, artifact)
        return _of_checkpoint(model)
    except (ArtifactError, CheckpointError) as error:
        _log.warning("%s cannot be opened as it is: %s", model.name, error)
        return None


def _of_manifest(model: ModelConfig, artifact: Artifact) -> ServedModel:
    manifest = artifact.manifest
    return ServedModel(
        name=model.name,
        task=manifest.task,
        tasks=tasks_of(manifest.task, manifest.labels),
        labels=manifest.labels,
        dimensions=manifest.dimensions if manifest.task == "embed" else 0,
        pooling=manifest.pooling if manifest.task == "embed" else "",
        precision="",
        max_length=min(model.max_length or manifest.max_length, manifest.max_length),
        digest=artifact.digest,
        source=manifest.source,
        family=manifest.family,
        is_ready=False,
        defaults=(),
        is_open=False,
        problem_type=manifest.problem_type if manifest.task == "classify" else None,
    )


def _of_checkpoint(model: ModelConfig) -> ServedModel | None:
    from goldcrest.checkpoint import at_hand, read
    from goldcrest.models import readout_of, resolve

    folder = at_hand(model.source)
    if folder is None:
        _log.info("%s is not here yet: what it does is known once it was open", model.name)
        return None
    checkpoint = read(folder, model.source)
    encoder = resolve(checkpoint)
    readout, spec = readout_of(encoder, model.task or None), encoder.spec
    longest = min(checkpoint.max_seq_length or spec.max_positions, spec.max_positions)
    return ServedModel(
        name=model.name,
        task=readout.task,
        tasks=tasks_of(readout.task, readout.labels),
        labels=readout.labels,
        dimensions=spec.width if readout.task == "embed" else 0,
        pooling=readout.pooling or "",
        precision="",
        max_length=min(model.max_length or longest, longest),
        digest="",
        source=model.source,
        family=encoder.family.model_type,
        is_ready=False,
        defaults=(),
        is_open=False,
        problem_type=readout.problem_type,
    )


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
        **({"passed": list(manifest.passed)} if manifest.passed else {}),
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
