"""The artifact of a checkpoint, built step by step in a draft folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import onnx

from goldcrest.artifact import FORMAT, Artifact, Draft, FileEntry, Manifest, entry
from goldcrest.checkpoint import Checkpoint
from goldcrest.compile.calibration import default_texts, encodings_for, packed_grids
from goldcrest.compile.quantize import quantize
from goldcrest.compile.weights import narrow_weights
from goldcrest.errors import ArtifactError, QuantizeFailed, UnsupportedModel
from goldcrest.graph import build
from goldcrest.models import Encoder, Readout, readout_of, resolve
from goldcrest.names import Readable
from goldcrest.text.tokenizer import Tokenizer
from goldcrest.text.vocabulary import build_tokenizer, special_tokens

Variant = Literal["f32", "int8", "int8-weights"]
Progress = Callable[[str], None]
"""Told the name of each step as it begins, and an empty one at the end."""

COMPILER = "2"
"""Raised whenever the same checkpoint would give another artifact; part of the cache key."""


def build_artifact(
    checkpoint: Checkpoint,
    target: Path,
    *,
    task: Readable | None = None,
    variants: Sequence[Variant] = ("f32",),
    calibration: Sequence[str] | None = None,
    progress: Progress = lambda _: None,
) -> Artifact:
    """Compile a checkpoint into an artifact at ``target``.

    Args:
        checkpoint: as `checkpoint.read` returns it.
        target: a folder that does not exist, is empty, or is an artifact, which is replaced.
        task: what the graph puts out; None means what the checkpoint was trained for. Every
            checkpoint can ``embed``.
        variants: the precisions to make.
        calibration: texts of the task, for INT8; None means the set that ships.
        progress: told of each step.

    Raises:
        CheckpointError: the checkpoint is not whole, or not of a kind we have.
        NoTrainedHead: it was never trained for the task.
        QuantizeFailed: INT8 was asked for and could not be made.
        ArtifactError: the target is in the way.
    """
    progress("reading the checkpoint")
    encoder = resolve(checkpoint)
    readout = readout_of(encoder, task)
    if "int8" in variants and encoder.family.int8_refusal:
        raise QuantizeFailed(encoder.family.int8_refusal)
    try:
        with Draft(target) as draft:
            manifest = _fill(
                draft.folder, _Order(encoder, readout, variants, calibration, progress)
            )
            progress("writing the manifest")
            artifact = draft.publish(manifest)
    except OSError as error:
        raise ArtifactError(f"{target} cannot be written: {error.strerror or error}") from error
    progress("")
    return artifact


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be built, for whom."""

    encoder: Encoder
    readout: Readout
    variants: Sequence[Variant]
    calibration: Sequence[str] | None
    progress: Progress


def _fill(folder: Path, order: _Order) -> Manifest:
    """Write everything but the manifest, which tells of it."""
    encoder, readout = order.encoder, order.readout
    tokenizer = folder / "tokenizer.json"
    tokenizer.write_text(build_tokenizer(encoder.checkpoint.folder), encoding="utf-8")
    _check_vocabulary(encoder, tokenizer)
    mask = _mask(encoder.checkpoint) if readout.task == "fill" else ""
    order.progress("building the graph")
    model = build(encoder, readout)
    made: dict[str, FileEntry] = {}
    for variant in order.variants:
        written = model
        if variant == "int8":
            order.progress("quantising to INT8")
            written = _quantised(model, order, _tokenizer(encoder, tokenizer), mask=mask)
        elif variant == "int8-weights":
            order.progress("storing weights as INT8")
            written = narrow_weights(model)
        order.progress(f"writing {variant}")
        file = folder / f"model.{variant}.onnx"
        onnx.save(written, file)
        made[variant] = entry(file)
    return _manifest(encoder, readout, mask=mask, tokenizer=entry(tokenizer), variants=made)


def _quantised(model: Any, order: _Order, tokenizer: Tokenizer, *, mask: str) -> Any:
    texts = default_texts() if order.calibration is None else order.calibration
    return quantize(
        model, packed_grids(encodings_for(order.readout.task, tokenizer, texts, mask=mask))
    )


def _mask(checkpoint: Checkpoint) -> str:
    """The token that stands for one to be found.

    Raises:
        UnsupportedModel: the tokenizer has none.
    """
    token = special_tokens(checkpoint.folder).get("mask_token")
    if token is None:
        raise UnsupportedModel(
            f"{checkpoint.source}: the tokenizer has no mask token, so no mask can be filled"
        )
    return token


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


def _max_length(encoder: Encoder) -> int:
    return min(
        encoder.checkpoint.max_seq_length or encoder.spec.max_positions,
        encoder.spec.max_positions,
    )


def _manifest(
    encoder: Encoder,
    readout: Readout,
    *,
    mask: str,
    tokenizer: FileEntry,
    variants: dict[str, FileEntry],
) -> Manifest:
    checkpoint, is_embedder = encoder.checkpoint, readout.task == "embed"
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
        mask_token=mask,
        prompts=dict(checkpoint.prompts) if is_embedder else {},
        default_prompt=checkpoint.default_prompt if is_embedder else "",
    )
