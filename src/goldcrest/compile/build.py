"""The artifact of a checkpoint, built step by step in a draft folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import onnx

from goldcrest.artifact import FORMAT, Artifact, Draft, FileEntry, Manifest, entry
from goldcrest.checkpoint import Checkpoint
from goldcrest.compile.calibration import default_texts, packed_grids
from goldcrest.compile.quantize import quantize
from goldcrest.errors import ArtifactError, UnsupportedModel
from goldcrest.graph import build
from goldcrest.models import Encoder, Readout, readout_of, resolve
from goldcrest.text.tokenizer import Tokenizer
from goldcrest.text.vocabulary import build_tokenizer
from goldcrest.values import EncodeOptions, Encoding

Variant = Literal["f32", "int8"]
Progress = Callable[[str], None]
"""Told the name of each step as it begins, and an empty one at the end."""

COMPILER = "1"
"""Raised whenever the same checkpoint would give another artifact; part of the cache key."""


def build_artifact(
    checkpoint: Checkpoint,
    target: Path,
    *,
    variants: Sequence[Variant] = ("f32",),
    calibration: Sequence[str] | None = None,
    progress: Progress = lambda _: None,
) -> Artifact:
    """Compile a checkpoint into an artifact at ``target``.

    Args:
        checkpoint: as `checkpoint.read` returns it.
        target: a folder that does not exist, is empty, or is an artifact, which is replaced.
        variants: the precisions to make.
        calibration: texts of the task, for INT8; None means the set that ships.
        progress: told of each step.

    Raises:
        CheckpointError: the checkpoint is not whole, or not of a kind we have.
        QuantizeFailed: INT8 was asked for and could not be made.
        ArtifactError: the target is in the way.
    """
    progress("reading the checkpoint")
    encoder = resolve(checkpoint)
    try:
        artifact = _build(encoder, target, variants, calibration, progress)
    except OSError as error:
        raise ArtifactError(f"{target} cannot be written: {error.strerror or error}") from error
    progress("")
    return artifact


def _build(
    encoder: Encoder,
    target: Path,
    variants: Sequence[Variant],
    calibration: Sequence[str] | None,
    progress: Progress,
) -> Artifact:
    readout = readout_of(encoder)
    with Draft(target) as draft:
        tokenizer = draft.folder / "tokenizer.json"
        tokenizer.write_text(build_tokenizer(encoder.checkpoint.folder), encoding="utf-8")
        _check_vocabulary(encoder, tokenizer)
        progress("building the graph")
        model = build(encoder, readout)
        made: dict[str, FileEntry] = {}
        for variant in variants:
            written = model
            if variant == "int8":
                progress("quantising to INT8")
                encodings = _encodings(encoder, tokenizer, calibration or default_texts())
                written = quantize(model, packed_grids(encodings))
            progress(f"writing {variant}")
            file = draft.folder / f"model.{variant}.onnx"
            onnx.save(written, file)
            made[variant] = entry(file)
        progress("writing the manifest")
        return draft.publish(_manifest(encoder, readout, entry(tokenizer), made))


def _check_vocabulary(encoder: Encoder, tokenizer: Path) -> None:
    """Refuse a tokenizer with ids that the token table has no row for.

    Raises:
        UnsupportedModel: gives both sizes.
    """
    n_ids, n_rows = _tokenizer(encoder, tokenizer).n_ids, encoder.spec.vocab_size
    if n_ids > n_rows:
        raise UnsupportedModel(
            f"{encoder.checkpoint.source}: the tokenizer gives ids up to {n_ids - 1}, but the "
            f"model has rows for {n_rows} tokens"
        )


def _tokenizer(encoder: Encoder, file: Path) -> Tokenizer:
    return Tokenizer.load(
        file, max_length=_max_length(encoder), has_token_types=encoder.spec.has_token_types
    )


def _encodings(encoder: Encoder, tokenizer: Path, texts: Sequence[str]) -> list[Encoding]:
    loaded = _tokenizer(encoder, tokenizer)
    options = EncodeOptions(max_length=min(128, _max_length(encoder)))
    return [loaded.encode(text, options) for text in texts if text.strip()]


def _max_length(encoder: Encoder) -> int:
    return min(
        encoder.checkpoint.max_seq_length or encoder.spec.max_positions,
        encoder.spec.max_positions,
    )


def _manifest(
    encoder: Encoder, readout: Readout, tokenizer: FileEntry, variants: dict[str, FileEntry]
) -> Manifest:
    checkpoint = encoder.checkpoint
    return Manifest(
        format=FORMAT,
        made_by=f"goldcrest {version('goldcrest')}",
        source=checkpoint.source,
        source_digest=checkpoint.digest(),
        family=encoder.family.model_type,
        task=readout.task,
        dimensions=encoder.spec.width,
        max_length=_max_length(encoder),
        has_token_types=encoder.spec.has_token_types,
        tokenizer=tokenizer,
        variants=variants,
        labels=readout.labels,
        problem_type=readout.problem_type or "single_label_classification",
        pooling=readout.pooling or "cls",
        normalize=readout.normalize,
    )
